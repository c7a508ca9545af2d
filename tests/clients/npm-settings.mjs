// Every setting of every platform that the client of npm can make, and the push that it comes to.

const ANDROID = "alices-android";
const IPHONE = "alices-iphone";
const PICTURE = "https://shop.example/7.png";

// What goes out to an Android phone, and what its SDK shows of that: `data`, `android` and `shows` beside what is always there. The
// message wakes the phone unless its priority says otherwise.
const fcm = (data = {}, shows = {}, android = {}) => ({
  android: { priority: "HIGH", ...android },
  data: { alert: "Hello", "has-template": "0", ...data, payload: { nid: "<message id>", ...data.payload } },
  shows: typeof shows === "string" ? shows : { title: "<the app's name>", text: "Hello", ...shows },
});

// What goes out to an iPhone: parts of `aps.alert`, of `aps`, beside that, and of the headers.
const apns = ({ alert = {}, aps = {}, top = {}, headers = {} } = {}) => ({
  attributes: attributes(headers),
  payload: {
    aps: { alert: { body: "Hello", ...alert }, ...aps },
    "has-template": 0,
    ...top,
    payload: { nid: "<message id>", ...top.payload },
  },
});

const attributes = (headers) => {
  const all = { PUSH_TYPE: "alert", PRIORITY: "10", COLLAPSE_ID: "<message id>", ...headers };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [`AWS.SNS.MOBILE.APNS.${name}`, value]));
};

const SILENT = {
  attributes: attributes({ PUSH_TYPE: "background", PRIORITY: "5" }),
  payload: { aps: { "content-available": 1 }, "has-template": 0, payload: { nid: "<message id>" } },
};

// A message to one phone: `call` writes it out, given what stands before its settings.
const setting = (phone, settings, expected) => ({
  phone,
  call: (hello, target) => `${hello}.${target}.settings(Settings.${settings}.build()).build()`,
  expected,
});

function android() {
  const set = (call, ...expected) => setting(ANDROID, `fcm(FCM.${call}.build())`, fcm(...expected));
  // A style always has a title: without one the SDK would show nothing.
  const style = (name, call, { title = "", ...parts }, shown) => {
    const type = name.toLowerCase();
    const style = { type, heading: "Hello", summary: title, ...shown };
    return set(`style(FCMStyle.type(Notification.FCMStyleTypes.${name}).${call}.build())`, { style: { type, title, ...parts } }, { style });
  };
  const priority = (word, shows, android) =>
    set(`priority(Notification.FCMPriority.${word})`, { priority: word.toLowerCase() }, shows, android);
  return [
    setting(ANDROID, "fcm({})", fcm()),
    set("delayWhileIdle(true)"),
    set("timeToLive(60)", {}, {}, { ttl: "<60>s" }),
    set("collapseKey('ping')", {}, {}, { collapse_key: "ping" }),
    set("payload({ parcel: 7 })", { payload: { parcel: 7 } }),
    set("payload('{\"parcel\":7}')", { payload: { parcel: 7 } }),
    set("payload({ nid: 'mine' })"),
    set("sync(true)"),
    set("sound('bell.mp3')", { sound: "bell.mp3" }, { sound: "bell" }),
    set("interactiveCategory('accept')", { interactiveCategory: "accept" }, { buttons: "accept" }),
    priority("MAX", { priority: "max", popsUp: true }),
    priority("HIGH", { priority: "high" }),
    priority("DEFAULT", {}, { priority: "NORMAL" }),
    ...["LOW", "MIN"].map((word) => priority(word, { priority: word.toLowerCase() }, { priority: "NORMAL" })),
    ...["PUBLIC", "PRIVATE", "SECRET"].map((word) =>
      set(`visibility(Notification.Visibility.${word})`, { visibility: word.toLowerCase() }),
    ),
    set("type(Notification.FCMType.DEFAULT)", { type: "DEFAULT" }),
    set("type(Notification.FCMType.SILENT)", { type: "SILENT" }, "nothing: it is silent", { priority: "NORMAL" }),
    set("icon('parcel')", { icon: "parcel" }, { icon: "parcel" }),
    set("icon('parcel.png')", { icon: "parcel.png" }, { icon: "<Android's star>" }),
    set("androidTitle('Shop')", { androidTitle: "Shop" }, { title: "Shop" }),
    set("groupId('parcels')"),
    style("BIGTEXT_NOTIFICATION", "text('It is here').title('Parcel')", { text: "It is here", title: "Parcel" }, { text: "It is here" }),
    style("PICTURE_NOTIFICATION", `url('${PICTURE}')`, { url: PICTURE }, { picture: PICTURE }),
    style("INBOX_NOTIFICATION", "lines(['one','two'])", { lines: "[one,two]" }, { lines: ["one", "two"] }),
    set("lights(FCMLights.ledArgb(Notification.FCMLED.GREEN).ledOnMs(1).ledOffMs(2).build())", {
      lights: { ledARGB: "GREEN", ledOnMS: 1, ledOffMS: 2 },
    }, { lights: { colour: "green", on: 1, off: 2 } }),
    set("lights(FCMLights.ledOnMs('1').ledOffMs('2').build())", {
      lights: { ledARGB: "white", ledOnMS: 1, ledOffMS: 2 },
    }, { lights: { colour: "white", on: 1, off: 2 } }),
    set("collapseKey('ping').priority('HIGH').androidTitle('Shop').icon('i').sound('s').payload({ a: 1 }).visibility('PUBLIC')", {
      priority: "high", androidTitle: "Shop", icon: "i", sound: "s", visibility: "public", payload: { a: 1 },
    }, { title: "Shop", priority: "high", icon: "i", sound: "s" }, { collapse_key: "ping" }),
  ];
}

function iphone() {
  const set = (call, expected) => setting(IPHONE, `apns(APNs.${call}.build())`, apns(expected));
  return [
    setting(IPHONE, "apns({})", apns()),
    set("badge(1)", { aps: { badge: 1 } }),
    set("interactiveCategory('accept')", { aps: { category: "accept" } }),
    set("sound('bell.mp3')", { aps: { sound: "bell.mp3" } }),
    set("iosActionKey('OPEN')", { alert: { "action-loc-key": "OPEN" } }),
    set("payload({ parcel: 7 })", { top: { payload: { parcel: 7 } } }),
    set("type(Notification.APNsType.DEFAULT)"),
    set("type(Notification.APNsType.MIXED)", { aps: { "content-available": 1 } }),
    setting(IPHONE, "apns(APNs.type(Notification.APNsType.SILENT).build())", SILENT),
    set("titleLocKey('TITLE')", { alert: { "title-loc-key": "TITLE" } }),
    set("titleLocArgs(['Jenna','Frank'])", { alert: { "title-loc-args": ["Jenna", "Frank"] } }),
    set("locKey('BODY')", { alert: { body: undefined, "loc-key": "BODY" } }),
    set("title('Shop').titleLocKey('TITLE')", { alert: { "title-loc-key": "TITLE" } }),
    set("locArgs(['Jenna','Frank'])", { alert: { "loc-args": ["Jenna", "Frank"] } }),
    set("launchImage('start.png')", { alert: { "launch-image": "start.png" } }),
    set("title('Shop')", { alert: { title: "Shop" } }),
    set("subtitle('Parcels')", { alert: { subtitle: "Parcels" } }),
    set(`attachmentUrl('${PICTURE}')`, { aps: { "mutable-content": 1 }, top: { "attachment-url": PICTURE } }),
    set("apnsCollapseId('parcel-7')", { headers: { COLLAPSE_ID: "parcel-7" } }),
    set("apnsThreadId('parcels')", { aps: { "thread-id": "parcels" } }),
    set("apnsGroupSummaryArg('Shop')", { alert: { "summary-arg": "Shop" } }),
    set("apnsGroupSummaryArgCount(2)", { alert: { "summary-arg-count": 2 } }),
    set("badge(1).interactiveCategory('accept').iosActionKey('OPEN').sound('s').payload({ a: 1 }).title('Shop')", {
      alert: { "action-loc-key": "OPEN", title: "Shop" },
      aps: { badge: 1, category: "accept", sound: "s" },
      top: { payload: { a: 1 } },
    }),
  ];
}

// Of platforms that SNS has no way to reach: taken, and nothing of it goes out.
function web() {
  const calls = [
    `chromeWeb(ChromeWeb.title('Shop').iconUrl('${PICTURE}').timeToLive(60).payload({ a: 1 }).build())`,
    `firefoxWeb(FirefoxWeb.title('Shop').iconUrl('${PICTURE}').timeToLive(60).payload({ a: 1 }).build())`,
    "safariWeb(SafariWeb.title('Shop').urlArgs(['a']).action('View').build())",
    "chromeAppExt(ChromeAppExt.collapseKey('k').delayWhileIdle(true).title('Shop').iconUrl('i').build())",
    "chromeAppExt(ChromeAppExt.timeToLive(60).payload({ a: 1 }).build())",
  ];
  return calls.flatMap((call) => [setting(ANDROID, call, fcm()), setting(IPHONE, call, apns())]);
}

// A link, and a message to a person.
function plain() {
  const url = (_, target) => `Notification.message(Message.alert('Hello').url('${PICTURE}').build()).${target}.build()`;
  const user = (hello) => `${hello}.target(Target.userIds(['alice']).build()).build()`;
  const uid = "<uid of alice>";
  return [
    { phone: ANDROID, call: url, expected: fcm({ url: PICTURE }) },
    { phone: IPHONE, call: url, expected: apns({ top: { url: PICTURE } }) },
    { phone: ANDROID, call: user, expected: fcm({ payload: { uid } }) },
    { phone: IPHONE, call: user, expected: apns({ top: { payload: { uid } } }) },
  ];
}

// For each the phone, the call, and the push as the phone's SDK reads it.
export function settings() {
  return [...plain(), ...android(), ...iphone(), ...web()];
}
