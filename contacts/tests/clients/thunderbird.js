// Runs inside Thunderbird, by Marionette: does one action on the CardDAV book, and gives its names.
const done = arguments[arguments.length - 1];
const { action, url, address, password, cards, name, to } = arguments[0];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const CARDDAV = 102;

async function bookOf() {
  const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
  return MailServices.ab.directories.find((each) => each.dirType === CARDDAV)?.wrappedJSObject ??
    MailServices.ab.directories.find((each) => each.dirType === CARDDAV);
}

async function setUp() {
  const { CardDAVUtils } = ChromeUtils.importESModule("resource:///modules/CardDAVUtils.sys.mjs");
  const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  login.init(url, null, "Contacts", address, password, "", "");
  await Services.logins.addLoginAsync(login);
  const books = await CardDAVUtils.detectAddressBooks(address, password, `${url}/`, false);
  // create() begins the first sync. A second one beside it fails: both begin a transaction on one connection.
  const synced = notified("addrbook-directory-synced");
  const book = await books[0].create();
  await synced;
  await settled(() => !book._syncInProgress);
  return book;
}

function notified(topic, test = () => true) {
  return new Promise((resolve) => {
    const observer = (subject) => {
      if (!test(subject)) return;
      Services.obs.removeObserver(observer, topic);
      resolve();
    };
    Services.obs.addObserver(observer, topic);
  });
}

async function settled(test) {
  for (let tries = 0; tries < 600; tries++) {
    if (test()) return;
    await pause(100);
  }
  throw new Error(`${action} was not done within a minute.`);
}

(async () => {
  const { VCardUtils } = ChromeUtils.importESModule("resource:///modules/VCardUtils.sys.mjs");
  const book = action === "set up" ? await setUp() : await bookOf();
  const named = (wanted) => book.childCards.find((each) => each.displayName === wanted);
  if (action === "create") {
    for (const card of cards) book.addCard(VCardUtils.vCardToAbCard(card));
    await settled(() => book.childCards.every((each) => each.getProperty("_href", "")));
  }
  if (action === "rename") {
    const card = named(name);
    const before = card.getProperty("_etag", "");
    card.displayName = to;
    book.modifyCard(card);
    await settled(() => named(to) && named(to).getProperty("_etag", "") !== before);
  }
  if (action === "delete") {
    const isDelete = (channel) => channel.QueryInterface(Ci.nsIHttpChannel).requestMethod === "DELETE";
    const answered = notified("http-on-examine-response", isDelete);
    book.deleteCards([named(name)]);
    await answered;
  }
  await book.syncWithServer();
  await pause(300);
  done(JSON.stringify(book.childCards.map((each) => each.displayName).sort()));
})().catch((error) => done(`ERROR ${error} ${error.stack}`));
