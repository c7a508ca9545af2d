// What the Android SDK (bms-clientsdk-android-push) shows of the data of an FCM message while the app is in the background. Each
// fact is from its source: `MFPInternalPushMessage` reads the data, `MFPPushIntentService` shows it, `MFPInternalPushChannel` makes
// the channel. What is as the app and Android have it by default is left out of the result.

// `data` maps texts to texts. Gives what the phone shows, or why it shows nothing.
export function shows(data) {
  // `type`, in any letter case: a silent message is kept for the app, and nothing is shown.
  if (data.type?.toLowerCase() === "silent") return "nothing: it is silent";
  try {
    const shown = {
      // `androidTitle`: if it is missing, the app's own title is shown; an empty one is shown as it is.
      title: data.androidTitle ?? "<the app's name>",
      text: data.alert,
      icon: icon(data.icon),
      channel: channel(data.channel),
      ...(data.style === undefined ? plain(data) : styled(data)),
      // `interactiveCategory` is the name of a group of buttons that the app has defined.
      buttons: data.interactiveCategory,
    };
    return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined));
  } catch (failed) {
    if (failed instanceof Nothing) return failed.message;
    throw failed;
  }
}

class Nothing extends Error {}

// An exception of org.json.
class Unread extends Error {}

// `icon` is the name of a drawable. The SDK's own serves if it is missing. A name that the app has not, and an empty one, is Android's
// star: resources are named by small letters, digits and underscores.
const icon = (name) => (name === undefined || /^[a-z][a-z0-9_]*$/.test(name) ? name : "<Android's star>");

// `channel` is the JSON text of an object. The SDK creates the channel before each push, by `channelId` and `channelName`, with the
// importance DEFAULT if `importance` is missing. It reads a missing name as null, and Android then throws: "a channel's name must not be
// empty" (`createNotificationChannel`). Nothing catches that. Of a channel that exists, Android takes the new name, and an importance
// that is lower than before. Without `channel` the SDK makes one of its own, of importance LOW.
function channel(text) {
  const given = text && JSON.parse(text);
  if (!given) return undefined;
  if (!given.channelId || !given.channelName) throw new Nothing("nothing: the app crashes");
  return { id: given.channelId, name: given.channelName, importance: given.importance ?? 3 };
}

// Without `style`. `priority` is high, max, low or min, else default; max also pops up. `visibility` counts only if it is private and
// there is `redact`: that is what a locked screen shows.
function plain(data) {
  const priority = ["max", "high", "low", "min"].find((word) => word === data.priority?.toLowerCase());
  const redacted = data.visibility?.toLowerCase() === "private" ? data.redact : undefined;
  return {
    priority,
    popsUp: priority === "max" ? true : undefined,
    locked: redacted,
    sound: sound(data.sound),
    lights: lights(data.lights),
  };
}

// `sound` is the name of a raw resource, up to its first dot. The phone's own is played if it is missing, none if it is empty.
const sound = (name) => (name === undefined ? undefined : name.trim() === "" ? "<none>" : name.split(".")[0]);

// `lights` is the JSON text of an object with `ledARGB`, `ledOnMS` and `ledOffMS`. If one of them is missing, or a time is 0, the light
// is not switched on. A colour that is none of these words, in any letter case, stays 0: transparent. Without `lights` it is the phone's.
const COLOURS = "black darkgray gray lightgray white red green blue yellow cyan magenta transparent".split(" ");

function lights(text) {
  if (text === undefined) return undefined;
  try {
    const given = JSON.parse(text);
    const colour = string(given, "ledARGB").toLowerCase();
    const [on, off] = ["ledOnMS", "ledOffMS"].map((key) => integer(given, key));
    if (on === 0 || off === 0) return "<off>";
    return { colour: COLOURS.includes(colour) ? colour : "transparent", on, off };
  } catch (failed) {
    if (failed instanceof Unread) return "<off>";
    throw failed;
  }
}

// With `style`, the JSON text of an object, `priority`, `visibility` and `sound` are not looked at, and lights of the message stay
// off: the flag that switches them on is overwritten. `type` and `title` are read for each style, and `text` and `lines` for theirs. If one is
// missing, org.json throws, the SDK logs that and shows nothing, though it has reported the message as SEEN. `url` may be missing, or
// the picture not be there: the notification is shown without it. The alert is the heading, `title` the line below.
function styled(data) {
  try {
    const given = JSON.parse(data.style);
    const type = string(given, "type").toLowerCase();
    const style = { type, heading: data.alert, summary: string(given, "title") };
    if (type === "picture_notification") style.picture = given.url;
    if (type === "bigtext_notification") style.text = string(given, "text");
    if (type === "inbox_notification") style.lines = lines(string(given, "lines"));
    return { style, lights: data.lights === undefined ? undefined : "<off>" };
  } catch (failed) {
    if (failed instanceof Unread) throw new Nothing("nothing: the style cannot be read");
    throw failed;
  }
}

// `lines` is read as a text: of a list that is its JSON, quotes included. All brackets are removed, and each comma ends a line. Java
// drops empty lines at the end.
function lines(text) {
  const lines = text.replaceAll("[", "").replaceAll("]", "").split(",");
  while (lines.length > 1 && lines.at(-1) === "") lines.pop();
  return lines;
}

// `getString` of Android's org.json: a value that is no text becomes one; a missing one is an exception.
function string(object, key) {
  const value = object[key];
  if (value === undefined) throw new Unread(key);
  return typeof value === "string" ? value : JSON.stringify(value).replaceAll("/", "\\/");
}

// `getInt`: a number, or a text that is one.
function integer(object, key) {
  const number = Number(object[key]);
  if (!Number.isFinite(number)) throw new Unread(key);
  return Math.trunc(number);
}
