// Shows or hides the text of the password fields. Without this script the second field catches typing errors.
"use strict";
for (const toggle of document.querySelectorAll("[data-show]")) {
    const box = toggle.querySelector("input");
    const fields = [...toggle.closest("form").querySelectorAll("input[type=password]")];
    const apply = () => fields.forEach((field) => { field.type = box.checked ? "text" : "password"; });
    box.checked = false;
    box.addEventListener("change", apply);
    // Browsers store the text of plain text fields, so the fields become password fields again before they are sent.
    toggle.closest("form").addEventListener("submit", () => { box.checked = false; apply(); });
    toggle.hidden = false;
}
