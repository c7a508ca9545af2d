// The days of a shared device, lived through with infra/apps/userpush.ts on a local system.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import test from "node:test";
import { Refused, Userpush, type Store } from "../../infra/apps/userpush.ts";

interface Info {
  apiUrl: string;
  applicationId: string;
  appSecret: string;
}

interface Device {
  deviceId: string;
  userId: string;
  token: string;
  platform: string;
}

const local = process.env["LOCAL"];
const offline = `${process.env["NOBODY_LISTENS"]}/imfpush/v1/apps/userpush`;
assert(local, "LOCAL is the URL of a local system");

async function json<T>(method: string, url: string, headers: Record<string, string> = {}, body?: object): Promise<T> {
  const init = { method, headers: { ...headers, "content-type": "application/json" } };
  const answer = await fetch(url, body ? { ...init, body: JSON.stringify(body) } : init);
  assert(answer.ok, `${method} ${url} is answered ${answer.status}`);
  const text = await answer.text();
  return (text === "" ? null : JSON.parse(text)) as T;
}

const info = await json<Info>("GET", `${local}/_local/info`);
const backend = { appSecret: info.appSecret };

/** A device with an installation of the app: what it stores stays when the app starts anew. */
class Phone {
  readonly token: string;
  private kept = new Map<string, string>();

  constructor(readonly platform: "A" | "G" = "G") {
    this.token = Phone.token();
  }

  static token(): string {
    return createHash("sha256").update(randomUUID()).digest("hex");
  }

  /** The app, just started. Its store waits before it gives what it has read. */
  app(url: string = info.apiUrl, wait: (key: string) => Promise<void> = async () => {}): Userpush {
    const store: Store = {
      read: async (key) => {
        const value = this.kept.get(key) ?? null;
        await wait(key);
        return value;
      },
      write: (key, value) => void (value === null ? this.kept.delete(key) : this.kept.set(key, value)),
    };
    return new Userpush(url, this.platform, store);
  }

  reinstall(): void {
    this.kept = new Map();
  }

  get deviceId(): string {
    return this.kept.get("deviceId") ?? assert.fail("the app has made no device id");
  }
}

/** A name that no other test has. */
const person = (name: string) => `${name}-${randomUUID()}`;

const idToken = async (userId: string) =>
  (await json<{ token: string }>("POST", `${local}/_local/login`, {}, { userId })).token;

const devices = async (userId: string): Promise<Device[]> =>
  (await json<{ devices: Device[] }>("GET", `${info.apiUrl}/devices?userId=${userId}`, backend)).devices.map(
    ({ deviceId, userId, token, platform }) => ({ deviceId, userId, token, platform }),
  );

/** Whose a device is, whoever it is; null where it is not registered. */
async function owner(deviceId: string): Promise<string | null> {
  const answer = await fetch(`${info.apiUrl}/devices/${deviceId}`, { headers: backend });
  return answer.status === 404 ? null : ((await answer.json()) as Device).userId;
}

/** Sends to people, and gives for each how many devices took it. */
const send = async (...userIds: string[]) =>
  (
    await json<{ recipients: Record<string, number> }>("POST", `${info.apiUrl}/messages`, backend, {
      message: { alert: "Hello" },
      target: { userIds },
    })
  ).recipients;

/** The field `payload` of each push that a token received. */
const payloads = async (token: string): Promise<string[]> =>
  (
    await json<{ pushes: { platform: string; payload: any }[] }>("GET", `${local}/_local/pushes?token=${token}`)
  ).pushes.map(({ platform, payload }) =>
    platform === "A" ? payload.payload : payload.fcmV1Message.message.data.payload,
  );

const uid = (userId: string) =>
  createHash("sha256").update(`${info.applicationId}\0${userId}`).digest("hex").slice(0, 16);

const only = <T>(things: T[]): T => {
  assert.equal(things.length, 1);
  return things[0] as T;
};

for (const platform of ["G", "A"] as const) {
  test(`a login registers the device, and a push for her is shown once (${platform})`, async () => {
    const [phone, alice] = [new Phone(platform), person("alice")];
    const app = phone.app();
    await app.tokenIs(phone.token);
    assert.deepEqual(await devices(alice), []);
    await app.login(await idToken(alice));
    assert.deepEqual(await devices(alice), [
      { deviceId: phone.deviceId, userId: alice, token: phone.token, platform },
    ]);
    assert.deepEqual(await send(alice), { [alice]: 1 });
    const payload = only(await payloads(phone.token));
    assert.equal(JSON.parse(payload).uid, uid(alice));
    assert.equal(await app.accepts(payload), true);
    assert.equal(await app.accepts(payload), false);
    assert.equal(await phone.app().accepts(payload), false);
  });
}

test("a push for the device, not for a user, is shown once", async () => {
  const [phone, alice] = [new Phone(), person("alice")];
  await phone.app().tokenIs(phone.token);
  await phone.app().login(await idToken(alice));
  const message = { message: { alert: "Hello" }, target: { deviceIds: [phone.deviceId] } };
  await json("POST", `${info.apiUrl}/messages`, backend, message);
  const payload = only(await payloads(phone.token));
  assert.equal(JSON.parse(payload).uid, undefined);
  const app = phone.app(info.apiUrl, async () => void (await owner(phone.deviceId)));
  assert.deepEqual(await Promise.all([app.accepts(payload), app.accepts(payload)]), [true, false]);
});

test("a token that comes after the login registers the device, and a new one takes its place", async () => {
  const [phone, alice] = [new Phone(), person("alice")];
  const app = phone.app();
  await app.login(await idToken(alice));
  assert.deepEqual(await devices(alice), []);
  await app.tokenIs(phone.token);
  const newer = Phone.token();
  await app.tokenIs(newer);
  const { deviceId, platform } = phone;
  assert.deepEqual(await devices(alice), [{ deviceId, userId: alice, token: newer, platform }]);
});

test("another user takes the device over, and a push that was under way to the first is not shown", async () => {
  const [phone, alice, bob] = [new Phone(), person("alice"), person("bob")];
  const app = phone.app();
  await app.tokenIs(phone.token);
  await app.login(await idToken(alice));
  await send(alice);
  const late = only(await payloads(phone.token));
  await app.login(await idToken(bob));
  assert.deepEqual([await app.isMine(late), await app.accepts(late)], [false, false]);
  assert.deepEqual(await send(alice, bob), { [alice]: 0, [bob]: 1 });
  const his = (await payloads(phone.token))[1] ?? "";
  assert.deepEqual([await app.accepts(his), await app.isMine(his)], [true, true]);
});

test("after the logout nothing arrives, and a push that was under way is not shown", async () => {
  const [phone, alice] = [new Phone(), person("alice")];
  const app = phone.app();
  await app.tokenIs(phone.token);
  await app.login(await idToken(alice));
  await send(alice);
  const late = only(await payloads(phone.token));
  assert.equal(await app.logout(), true);
  assert.equal(await owner(phone.deviceId), null);
  assert.deepEqual(await send(alice), { [alice]: 0 });
  assert.equal(await app.accepts(late), false);
  await app.tokenIs(Phone.token());
  assert.deepEqual(await devices(alice), []);
});

test("a token that changes while the user logs out registers nobody", async () => {
  const [phone, alice] = [new Phone(), person("alice")];
  await phone.app().tokenIs(phone.token);
  await phone.app().login(await idToken(alice));
  const app = phone.app(info.apiUrl, async (key) => {
    // As slow as the logout, if that does not wait its turn.
    for (let looks = 0; key === "token" && looks < 20; looks++) {
      if ((await owner(phone.deviceId)) === null) break;
    }
  });
  await Promise.all([app.tokenIs(Phone.token()), app.logout(), app.tokenIs(Phone.token())]);
  assert.equal(await owner(phone.deviceId), null);
});

test("a logout while offline is said at the next start", async () => {
  const [phone, alice] = [new Phone(), person("alice")];
  await phone.app().tokenIs(phone.token);
  await phone.app().login(await idToken(alice));
  assert.equal(await phone.app(offline).logout(), false);
  assert.equal(await phone.app(offline).logout(), false);
  assert.equal(only(await devices(alice)).deviceId, phone.deviceId);
  assert.equal(await phone.app().logout(), true);
  assert.equal(await owner(phone.deviceId), null);
});

test("a logout while offline is said before the next login does anything else", async () => {
  const [phone, alice] = [new Phone(), person("alice")];
  await phone.app().tokenIs(phone.token);
  await phone.app().login(await idToken(alice));
  assert.equal(await phone.app(offline).logout(), false);
  await assert.rejects(phone.app().login("no ID token"), new Refused(401));
  assert.equal(await owner(phone.deviceId), null);
  await phone.app().login(await idToken(alice));
  assert.equal(only(await devices(alice)).deviceId, phone.deviceId);
});

test("a reinstalled app takes over its token", async () => {
  const [phone, alice] = [new Phone(), person("alice")];
  await phone.app().tokenIs(phone.token);
  await phone.app().login(await idToken(alice));
  const before = phone.deviceId;
  phone.reinstall();
  await phone.app().tokenIs(phone.token);
  await phone.app().login(await idToken(alice));
  assert.notEqual(phone.deviceId, before);
  assert.equal(only(await devices(alice)).deviceId, phone.deviceId);
  assert.deepEqual(await send(alice), { [alice]: 1 });
  only(await payloads(phone.token));
});

test("an expired secret logs out, and does not register", async () => {
  const [phone, alice] = [new Phone(), person("alice")];
  const app = phone.app();
  await app.tokenIs(phone.token);
  await app.login(await idToken(alice));
  await json("POST", `${local}/_local/clock`, {}, { advanceSeconds: 2 * 24 * 60 * 60 });
  const newer = Phone.token();
  await assert.rejects(app.tokenIs(newer), new Refused(401));
  await app.login(await idToken(alice));
  assert.equal(only(await devices(alice)).token, newer);
  await json("POST", `${local}/_local/clock`, {}, { advanceSeconds: 2 * 24 * 60 * 60 });
  assert.equal(await app.logout(), true);
  assert.equal(await owner(phone.deviceId), null);
});

test("where the secret was revoked, the token logs out", async () => {
  const [phone, alice] = [new Phone(), person("alice")];
  const app = phone.app();
  await app.tokenIs(phone.token);
  await app.login(await idToken(alice));
  for (const _ of ["previous", "gone"]) {
    await json("POST", `${local}/_local/secrets/rotate`, {}, { secret: "clientSecret" });
    // Past what functions keep a secret for.
    await json("POST", `${local}/_local/clock`, {}, { advanceSeconds: 180 });
  }
  assert.equal(await app.logout(), true);
  assert.equal(await owner(phone.deviceId), "anonymous");
  assert.deepEqual(await send(alice), { [alice]: 0 });
});
