// Offers to show what is typed into password fields. Without this script the two fields guard against slips.
"use strict";
for (const offer of document.querySelectorAll("[data-show]")) {
    const box = offer.querySelector("input");
    const fields = [...offer.closest("form").querySelectorAll("input[type=password]")];
    const apply = () => fields.forEach((field) => { field.type = box.checked ? "text" : "password"; });
    box.checked = false;
    box.addEventListener("change", apply);
    // Browsers remember the text of plain fields, and must never remember this one.
    offer.closest("form").addEventListener("submit", () => { box.checked = false; apply(); });
    offer.hidden = false;
}
