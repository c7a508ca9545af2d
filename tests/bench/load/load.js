// One level of load, by k6: each VU is a household and the backend that sends to it, on one connection.
//
// A household is two people with five devices: two phones of each and a tablet that both use. The first phone of each
// stays signed in, so that a send to a person reaches one to three devices. All else signs in and out, and the number
// of devices stays the same however long it runs.

import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import http from 'k6/http';
import { Gauge, Trend } from 'k6/metrics';

const { api, appSecret, connections, warmUp, seconds, mix, households, summary } = JSON.parse(__ENV.LEVEL);
const shared = new SharedArray('households', () => JSON.parse(open(households)));

const requests = ['register_unchanged', 'login_init', 'login_register', 'send', 'logout'];
const durations = Object.fromEntries(requests.map((name) => [name, new Trend(name, true)]));
const all = new Trend('all', true);
const begun = new Gauge('begun');

export const options = {
  scenarios: { load: { executor: 'constant-vus', vus: connections, duration: `${warmUp + seconds}s`, gracefulStop: '30s' } },
  summaryTrendStats: ['count', 'med', 'p(99)'],
  // Nobody looks at them, and each costs the machine that both sides share.
  systemTags: [],
};

const tablet = 4;
const leaving = [1, 3, tablet];
const json = { 'content-type': 'application/json' };
let home;
let from;
let until;

export default function () {
  if (!home) {
    // What is shared is read-only.
    home = JSON.parse(JSON.stringify(shared[exec.vu.idInTest - 1]));
    begun.add(exec.scenario.startTime);
    from = exec.scenario.startTime + warmUp * 1000;
    until = from + seconds * 1000;
  }
  let point = Math.random();
  for (const [operation, share] of Object.entries(mix)) {
    point -= share;
    if (point < 0) {
      operations[operation]();
      return;
    }
  }
}

const operations = {
  // An app starts, and finds everything as it left it.
  register_unchanged() {
    const device = any(home.devices.filter(isSignedIn));
    register('register_unchanged', device, home.people[device.owner].clientSecret);
  },

  // Whoever signed out first comes back. Where nobody did, the other one takes the tablet, which nobody signed out of.
  login() {
    const [back] = home.devices.filter((device) => !isSignedIn(device)).sort((a, b) => a.left - b.left);
    const device = back || home.devices[tablet];
    const person = back ? back.last : 1 - device.owner;
    const headers = { authorization: `Bearer ${home.people[person].token}` };
    const answer = call('login_init', 'GET', '/init', null, headers, 200);
    if (answer && register('login_register', { ...device, owner: person }, answer.json('clientSecret'))) {
      device.owner = person;
    }
  },

  // A backend tells a person something.
  send() {
    const body = { message: { alert: 'Your parcel is on its way.' }, target: { userIds: [any(home.people).userId] } };
    call('send', 'POST', '/messages', JSON.stringify(body), { ...json, appSecret }, 202);
  },

  // The app unregisters its device, then its person signs out. Where all of them have, one comes back instead.
  logout() {
    const device = any(leaving.map((index) => home.devices[index]).filter(isSignedIn));
    if (!device) {
      operations.login();
      return;
    }
    const { clientSecret } = home.people[device.owner];
    if (call('logout', 'DELETE', `/devices/${device.deviceId}`, null, { clientSecret }, 204)) {
      Object.assign(device, { owner: null, last: device.owner, left: Date.now() });
    }
  },
};

function isSignedIn(device) {
  return device.owner !== null;
}

function any(list) {
  return list[Math.floor(Math.random() * list.length)];
}

function register(name, { deviceId, token, platform, owner }, clientSecret) {
  const body = { deviceId, token, platform, userId: home.people[owner].userId };
  return call(name, 'POST', '/devices', JSON.stringify(body), { ...json, clientSecret }, 201);
}

// The answer, if it is the one expected. An error counts whenever it happens, a duration only after the warm-up.
function call(name, method, path, body, headers, expected) {
  const answer = http.request(method, api + path, body, { headers });
  if (answer.status !== expected) {
    const code = /FPWSE\d+E/.exec(answer.body || '');
    console.error(`${name} ${answer.status} ${code || answer.error || '-'}`);
    return null;
  }
  const now = Date.now();
  if (now >= from && now < until) {
    durations[name].add(answer.timings.duration);
    all.add(answer.timings.duration);
  }
  return answer;
}

export function handleSummary({ metrics }) {
  return { [summary]: JSON.stringify(metrics) };
}
