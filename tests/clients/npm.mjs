// The client of npm for backends, `ibm-push-notifications`: all of its builders, and what each phone got. It tells its callback
// of any answer alike: no error, the response, and the body as text.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Local, row, shown } from "./shared.mjs";
import { settings } from "./npm-settings.mjs";

const NAME = "ibm-push-notifications";
const ANDROID = "fcm-token-of-the-android-phone-00000";
const IPHONE = "ab12".repeat(16);
const KEY = "the key of the backend";

const [url, strictUrl] = process.argv.slice(2);
const require = createRequire(join(process.env.CLIENTS, "package.json"));
// The address where it asks for its tokens is a constant of the client: what it asks there comes here.
const tokens = await iam();
const request = require("request");
require.cache[require.resolve("request")].exports = (options, callback) =>
  request({ ...options, uri: options.uri.replace("https://iam.cloud.ibm.com", tokens.url) }, callback);
const { PushNotifications, PushNotificationsWithApiKey, Notification, PushMessageBuilder } = require("ibm-push-notifications");

// A service that hands out `token` to whoever shows the key.
async function iam() {
  const service = { token: "", asked: [] };
  const server = createServer(async (incoming, outgoing) => {
    let form = "";
    for await (const part of incoming) form += part;
    const { apikey, grant_type } = Object.fromEntries(new URLSearchParams(form));
    service.asked.push(`${incoming.method} ${incoming.url} ${grant_type}`);
    const [status, body] = apikey === KEY ? [200, { access_token: service.token }] : [400, {}];
    outgoing.writeHead(status).end(JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  service.url = `http://127.0.0.1:${server.address().port}`;
  return service;
}

// A backend with phones of its own: alice has two, bob one, nobody one.
async function backend(at) {
  const local = await Local.at(at);
  await local.phone("alices-android", `${ANDROID}1`, "G", "alice");
  await local.phone("alices-iphone", IPHONE, "A", "alice");
  await local.phone("bobs-android", `${ANDROID}2`, "G", "bob");
  await local.phone("nobodys-android", `${ANDROID}3`, "G");
  await local.backend("POST", "/tags", { name: "news" });
  await local.backend("POST", "/subscriptions", { deviceId: "bobs-android", tagName: "news" });
  PushNotifications.overrideServerHost = at;
  const client = new PushNotifications(PushNotifications.Region.US_SOUTH, local.info.applicationId, local.info.appSecret);
  return { local, client };
}

// Each builder is one object for all messages: a careful backend empties it before it makes the next one.
function anew() {
  for (const builder of [...Object.values(PushMessageBuilder), Notification]) builder.json = {};
}

const sending = (client, notification, how = "send") =>
  new Promise((resolve) => {
    client[how](notification, (error, response, body) => resolve({ error, status: response?.statusCode, body }));
  });

// What a callback is told, and who has the pushes.
async function outcome(local, told) {
  const { error, status, body } = told;
  const phones = (await arrived(local, told)).map(([phone]) => phone).join(", ") || "nobody";
  return `${error ?? status}${status === 202 ? "" : ` ${local.named(body ?? "")}`}; to ${phones}`;
}

// The pushes of what was accepted, and any other.
async function arrived(local, { status, body }) {
  const accepted = status === 202 ? JSON.parse(body) : { messages: [] };
  return local.pushes(...(accepted.messages ?? [accepted]).map((message) => message.messageId));
}

// A call that is written out and made: a row of what the callback is told and of who has the push.
async function tells({ local, client, where = "" }, call, expected, how = "send") {
  row(NAME, `${where}\`${how}(${call})\``, expected, await outcome(local, await sending(client, build(call), how)));
}

function build(call) {
  const names = { Notification, ...PushMessageBuilder };
  return new Function(...Object.keys(names), `return ${call}`)(...Object.values(names));
}

const refused = (status, code, message) => `${status} ${shown({ code, message, requestId: "<request id>" })}; to nobody`;
const invalid = (parameter) => refused(400, "FPWSE0005E", `Invalid value was provided. Check the '${parameter}' parameter value.`);
const UNAUTHORIZED = refused(401, "FPWSE0401E", "Unauthorized. A secret is missing, wrong or expired.");
const EVERYBODY = "alices-android, alices-iphone, bobs-android, nobodys-android";
const HELLO = "Notification.message(Message.alert('Hello').build())";

async function targets(at) {
  const to = async (target, expected) => {
    anew();
    await tells(at, `${HELLO}.target(Target.${target}.build()).build()`, expected);
  };
  await to("userIds(['alice'])", "202; to alices-android, alices-iphone");
  await to("userIds(['alice','bob','carol','alice'])", "202; to alices-android, alices-iphone, bobs-android");
  await to("userIds(['carol'])", "202; to nobody");
  await to("deviceIds(['alices-iphone','nobodys-android','unknown'])", "202; to alices-iphone, nobodys-android");
  await to("tagNames(['news','gossip'])", "202; to bobs-android");
  await to("platforms([Notification.Platform.Apple])", "202; to alices-iphone");
  await to("platforms([Notification.Platform.Google])", "202; to alices-android, bobs-android, nobodys-android");
  for (const web of ["WebChrome", "WebFirefox", "WebSafari", "AppExtChrome"]) {
    await to(`platforms([Notification.Platform.${web}])`, "202; to nobody");
  }
  await to("platforms(Object.values(Notification.Platform))", `202; to ${EVERYBODY}`);
  for (const kind of ["userIds", "deviceIds", "tagNames", "platforms"]) await to(`${kind}([])`, invalid(`target.${kind}`));
  await to("userIds('alice')", invalid("target.userIds"));
  anew();
  await tells(at, `${HELLO}.build()`, `202; to ${EVERYBODY}`);
  anew();
  await tells(at, "Notification.target(Target.userIds(['alice']).build()).build()", invalid("message"));
}

// What a phone has of one message, field by field.
async function fields({ local, client }, { phone, call, expected }) {
  anew();
  const told = await sending(client, build(call(HELLO, `target(Target.deviceIds(['${phone}']).build())`)));
  const has = (await arrived(local, told)).filter(([name]) => name === phone).map(([, push]) => shown(push));
  const got = has.length > 0 ? has.map((push) => local.named(push)).join(", ") : `${told.status} ${local.named(told.body)}`;
  row(NAME, `\`${call("Notification…", "target(…)")}\`, ${phone}`, shown(expected), got);
}

async function bulk(at) {
  anew();
  const copies = "['alice','bob'].map((user) => ({ json: { message: { alert: user }, target: { userIds: [user] } } }))";
  await tells(at, copies, "202; to alices-android, alices-iphone, bobs-android", "sendBulk");
  const twice = `[${HELLO}.target(Target.userIds(['bob']).build()).build()].flatMap((one) => [one, one])`;
  await tells(at, twice, "202; to bobs-android, bobs-android", "sendBulk");
  await tells(at, "[]", invalid("messages"), "sendBulk");
  const wrong = "[['bob'], []].map((users) => ({ json: { message: { alert: 'Hello' }, target: { userIds: users } } }))";
  await tells(at, wrong, invalid("[1].target.userIds"), "sendBulk");
}

async function secrets({ local }) {
  const hello = () => (anew(), build(`${HELLO}.target(Target.userIds(['bob']).build()).build()`));
  const wrong = new PushNotifications(null, local.info.applicationId, "wrong");
  const sends = async (client) => outcome(local, await sending(client, hello()));
  row(NAME, "`new PushNotifications(…)` with a wrong secret: the callback has no error", UNAUTHORIZED, await sends(wrong));
  tokens.token = local.info.appSecret;
  const token = (client) =>
    new Promise((resolve) => {
      client.getAuthToken((has, value) => resolve(local.named(shown([has, value]))));
    });
  const keyed = new PushNotificationsWithApiKey(null, local.info.applicationId, KEY);
  row(NAME, "`new PushNotificationsWithApiKey(…)`, before `getAuthToken`", UNAUTHORIZED, await sends(keyed));
  row(NAME, "… `getAuthToken`", shown([true, "<app secret>"]), await token(keyed));
  row(NAME, "… `send`", "202; to bobs-android", await sends(keyed));
  row(NAME, "… `sendBulk`", "202; to bobs-android", await outcome(local, await sending(keyed, [hello()], "sendBulk")));
  const other = new PushNotificationsWithApiKey(null, local.info.applicationId, "another key");
  row(NAME, "… with another key, `getAuthToken`", shown([false, ""]), await token(other));
  const calls = Array(2).fill("POST /identity/token urn:ibm:params:oauth:grant-type:apikey");
  row(NAME, "… what it asked for its tokens", calls.join(", "), tokens.asked.join(", "));
}

// Where nobody may mean everybody by naming nobody. The builders are not emptied here, as few backends do.
async function traps(at) {
  anew();
  const to = (target) => `${HELLO}.target(Target.${target}.build()).build()`;
  await tells(at, `${HELLO}.build()`, invalid("target"));
  await tells(at, to("userIds(null)"), invalid("target"));
  await tells(at, to("userIds(undefined)"), invalid("target"));
  await tells(at, to("userIds([])"), invalid("target.userIds"));
  await tells(at, to("userIds(['alice'])"), "202; to alices-android, alices-iphone");
  await tells(at, `${HELLO}.build()`, "202; to alices-android, alices-iphone");
  await tells(at, to("userIds(null)"), invalid("target"));
  await tells(at, to("userIds(['alice'])"), "202; to alices-android, alices-iphone");
  await tells(at, to("deviceIds(['bobs-android'])"), invalid("target"));
  await tells(at, to("tagNames(['news'])"), invalid("target"));
  await tells(at, to("userIds(null)"), invalid("target"));
  PushMessageBuilder.Target.json = {};
  await tells(at, to("userIds(['bob'])"), "202; to bobs-android");
  await prepared(at);
  await kept(at);
}

// Two messages that are both made before the first is sent are one: the last one, for its own user.
async function prepared({ local, client }) {
  anew();
  const made = ["alice", "bob"].map((user) =>
    build(`Notification.message(Message.alert('${user}').build()).target(Target.userIds(['${user}']).build()).build()`),
  );
  for (const [n, notification] of made.entries()) {
    const pushes = await arrived(local, await sending(client, notification));
    const got = pushes.map(([phone, { data, payload }]) => `${phone} has ${data?.alert ?? payload.aps.alert.body}`).join(", ");
    const call = `two messages made for alice and bob before they are sent, the ${["first", "second"][n]}`;
    row(NAME, call, "bobs-android has bob", got);
  }
}

// Settings of a message are those of the next one too, unless that has its own. Only the client could know better.
async function kept({ local, client }) {
  anew();
  const payloads = "settings(Settings.fcm(FCM.payload({ parcel: 7 }).build()).build())";
  await arrived(local, await sending(client, build(`${HELLO}.target(Target.userIds(['alice']).build()).${payloads}.build()`)));
  const pushes = await arrived(local, await sending(client, build(`${HELLO}.target(Target.userIds(['bob']).build()).build()`)));
  const got = pushes.map(([phone, { data }]) => `${phone} has ${local.named(shown(data?.payload ?? null))}`).join(", ");
  const payload = shown({ nid: "<message id>", parcel: 7, uid: "<uid of bob>" });
  const call = "a message to bob after one to alice with a payload: the client sends that along";
  row(NAME, call, `bobs-android has ${payload}`, got);
}

const at = await backend(url);
await targets(at);
for (const setting of settings()) await fields(at, setting);
await bulk(at);
await secrets(at);
await traps({ ...(await backend(strictUrl)), where: "where nobody may send to everybody: " });
