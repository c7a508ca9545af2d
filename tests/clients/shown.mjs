// What an Android phone shows of a message, by what its SDK does with the data: every part of a style, the lights, the channel.
import { Local, row, shown } from "./shared.mjs";
import { shows } from "./android-sdk.mjs";

const NAME = "Android, shown";
const TOKEN = "fcm-token-of-the-phone-0000000000001";
const PICTURE = "https://shop.example/7.png";
const PLAIN = { title: "<the app's name>", text: "Hello" };

const local = await Local.at(process.argv[2]);
await local.phone("phone", TOKEN, "G");

// What the phone shows of a message with these settings for Android.
async function sent(gcm, expected) {
  const message = { message: { alert: "Hello" }, settings: { gcm }, target: { deviceIds: ["phone"] } };
  const { messageId } = await local.backend("POST", "/messages", message);
  const pushes = await local.pushes(messageId);
  row(NAME, `\`${shown(gcm)}\``, shown(expected), pushes.map(([, push]) => shown(push.shows)).join(", "));
}

// What it would show of other data: so each row above would find what the SDK cannot read.
function given(data, expected) {
  const has = { alert: "Hello", "has-template": "0", payload: '{"nid":"1DTVa5uX"}' };
  const texts = Object.entries(data).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
  row(NAME, `the SDK, of the data \`${shown(data)}\``, shown(expected), shown(shows({ ...has, ...Object.fromEntries(texts) })));
}

const style = (type, parts) => ({ ...PLAIN, style: { type, heading: "Hello", summary: "", ...parts } });

async function styles() {
  const [picture, text, lines] = ["picture_notification", "bigtext_notification", "inbox_notification"];
  for (const [type, part, has] of [
    [picture, { url: PICTURE }, { picture: PICTURE }],
    [text, { text: "It is here" }, { text: "It is here" }],
    [lines, { lines: ["one", "two"] }, { lines: ["one", "two"] }],
  ]) {
    await sent({ style: { type, ...part } }, style(type, has));
    await sent({ style: { type, ...part, title: null } }, style(type, has));
    await sent({ style: { type, ...part, title: "Parcel" } }, style(type, { ...has, summary: "Parcel" }));
    const titled = { ...style(type, { ...has, summary: "Shop" }), title: "Shop" };
    await sent({ style: { type, ...part }, androidTitle: "Shop" }, titled);
    await sent({ style: { type, ...part, title: "" }, androidTitle: "Shop" }, { ...style(type, has), title: "Shop" });
    given({ style: { type, ...part } }, "nothing: the style cannot be read");
  }
  const all = { url: PICTURE, text: "It is here", lines: ["one"] };
  await sent({ style: { type: text, ...all } }, style(text, { text: "It is here" }));
  await sent({ style: { type: picture, url: "" } }, style(picture, { picture: "" }));
  for (const [asked, split] of [
    [["one, two", "three"], ["one", " two", "three"]],
    [["[1] one", '"two"', "3/4", ""], ["1 one", '"two"', "3/4"]],
    [[""], [""]],
    [[], [""]],
  ]) {
    await sent({ style: { type: lines, lines: asked } }, style(lines, { lines: split }));
  }
  given({ style: { type: lines, title: "", lines: ["one", "3/4"] } }, style(lines, { lines: ['"one"', '"3\\/4"'] }));
  const lit = { style: { type: text, text: "" }, lights: { ledArgb: "RED" } };
  await sent(lit, { ...style(text, { text: "" }), lights: "<off>" });
}

async function light() {
  const on = (colour, on, off) => ({ ...PLAIN, lights: { colour, on, off } });
  await sent({ lights: {} }, on("white", 1000, 1000));
  await sent({ lights: { ledArgb: "RED" } }, on("red", 1000, 1000));
  await sent({ lights: { ledArgb: "" } }, on("white", 1000, 1000));
  await sent({ lights: { ledOnMs: 1 } }, on("white", 1, 1000));
  await sent({ lights: { ledArgb: "DarkGray", ledOffMs: "2" } }, on("darkgray", 1000, 2));
  await sent({ lights: { ledArgb: "CYAN", ledOnMs: 1, ledOffMs: 2 } }, on("cyan", 1, 2));
  await sent({ lights: { ledArgb: "#ff0000" } }, on("transparent", 1000, 1000));
  await sent({ lights: { ledArgb: "RED", ledOffMs: 0 } }, { ...PLAIN, lights: "<off>" });
  for (const missing of ["ledARGB", "ledOnMS", "ledOffMS"]) {
    const { [missing]: _, ...others } = { ledARGB: "RED", ledOnMS: 1, ledOffMS: 1 };
    given({ lights: others }, { ...PLAIN, lights: "<off>" });
  }
}

async function channels() {
  const channel = (id, name) => ({ ...PLAIN, channel: { id, name, importance: 3 } });
  await sent({ channelId: "news" }, channel("news", "news"));
  await sent({ channelId: "news", channelName: "What is new" }, channel("news", "What is new"));
  await sent({ channelId: "news", channelName: "" }, channel("news", "news"));
  await sent({ channelId: "" }, PLAIN);
  await sent({ channelName: "What is new" }, PLAIN);
  for (const wrong of [{ channelId: "news" }, { channelId: "news", channelName: "" }, { channelId: "", channelName: "" }]) {
    given({ channel: wrong }, "nothing: the app crashes");
  }
}

async function others() {
  await sent({}, PLAIN);
  await sent({ icon: "bell" }, { ...PLAIN, icon: "bell" });
  await sent({ icon: "" }, PLAIN);
  given({ icon: "" }, { ...PLAIN, icon: "<Android's star>" });
  await sent({ androidTitle: "Shop" }, { ...PLAIN, title: "Shop" });
  await sent({ androidTitle: "" }, PLAIN);
  given({ androidTitle: "" }, { ...PLAIN, title: "" });
  await sent({ sound: "" }, { ...PLAIN, sound: "<none>" });
  await sent({ visibility: "private", redact: "A parcel" }, { ...PLAIN, locked: "A parcel" });
  await sent({ visibility: "public", redact: "A parcel" }, PLAIN);
  await sent({ type: "SILENT" }, "nothing: it is silent");
}

await styles();
await light();
await channels();
await others();
