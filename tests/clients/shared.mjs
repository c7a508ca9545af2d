// What shared.py has, for a client that runs on Node: the local system, the phones that it pushes to, and the rows of the table.
import { createHash } from "node:crypto";
import { shows } from "./android-sdk.mjs";

export class Local {
  static async at(url) {
    const local = new Local();
    local.url = url;
    local.info = await local.control("GET", "/_local/info");
    local.phones = new Map();
    local.names = [[local.info.apiUrl, "…"], [local.info.appSecret, "<app secret>"]];
    return local;
  }

  async control(method, path, body) {
    const answer = await fetch(this.url + path, { method, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  // A call of a backend; gives the value of the answer.
  async backend(method, path, body) {
    const headers = { appSecret: this.info.appSecret, "content-type": "application/json" };
    const answer = await fetch(this.info.apiUrl + path, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  // A phone of a user, or of nobody, called by its device id.
  async phone(deviceId, token, platform, userId) {
    await this.backend("POST", "/devices", { deviceId, token, platform, userId });
    this.phones.set(token, deviceId);
    const uid = userId && createHash("sha256").update(`${this.info.applicationId}\0${userId}`).digest("hex").slice(0, 16);
    if (uid) this.names.push([uid, `<uid of ${userId}>`]);
  }

  // Everything that arrived since this was last asked, once these messages are dispatched, by the names of the phones.
  async pushes(...messages) {
    const until = Date.now() + 60_000;
    for (const message of messages) {
      while ((await this.backend("GET", `/messages/${message}/status`)).status !== "Dispatched") {
        if (Date.now() > until) throw new Error(`the message ${message} is not dispatched`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    const { pushes } = await this.control("GET", "/_local/pushes");
    await fetch(`${this.url}/_local/pushes`, { method: "DELETE" });
    const named = pushes.map((push) => {
      const { nid, read } = opened(push);
      const phone = this.phones.get(push.token) ?? "somebody else";
      return [messages.includes(nid) ? phone : `${phone}, of another message`, read];
    });
    return named.sort(([one], [other]) => (one < other ? -1 : 1));
  }

  // Names in the place of what is made anew each time.
  named(text) {
    if (/^[[{]/.test(text)) text = shown(JSON.parse(text));
    for (const [made, name] of this.names) text = text.replaceAll(made, name);
    text = MADE.reduce((named, [pattern, name]) => named.replace(pattern, `$1<${name}>$2`), text);
    return text.replace(/(parameter value\.) [^"]*/g, "$1");
  }
}

const MADE = [
  [/((?:messageId|nid|AWS\.SNS\.MOBILE\.APNS\.COLLAPSE_ID)":")[0-9A-Za-z]{8}(")/g, "message id"],
  [/(\/messages\/)[0-9A-Za-z]{8}()\b/g, "message id"],
  [/(,"requestId":")[^"]+(")/g, "request id"],
  [/(")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(")/g, "time"],
  // Of 60 seconds, of which some may be over.
  [/("(?:ttl|AWS\.SNS\.MOBILE\.[A-Z]+\.TTL)":")(?:60|[345]\d)(s?")/g, "60"],
];

// A push, with the message that it is of, as the phone's SDK reads it: texts that hold JSON are opened. For Android also what the
// SDK shows.
function opened({ payload, attributes }) {
  const message = payload.fcmV1Message?.message;
  const data = { ...(message?.data ?? payload) };
  for (const key of ["payload", "style", "lights", "channel"]) {
    if (typeof data[key] === "string") data[key] = JSON.parse(data[key]);
  }
  const { nid } = data.payload;
  return { nid, read: message ? { ...message, data, shows: shows(message.data) } : { attributes, payload: data } };
}

// JSON whose keys are in order.
export function shown(value) {
  const ordered = (_, part) =>
    part && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part;
  return JSON.stringify(value, ordered);
}

// One line of the table.
export function row(client, call, expected, got) {
  console.log(JSON.stringify({ client, call, expected, got }));
}
