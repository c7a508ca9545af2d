"""What the two SDKs for phones have in common, and the days of a phone, told to either."""

import json

from shared import row

ALICE, BOB = "alice", "bob"
SHOWN, SAME, DONE = "error shown", "nothing to change", "registered"


class Device:
    """One installation of an app. Each method does what the SDK's does, and gives what the SDK makes of the last answer."""

    def __init__(self, local, id, token, secret):
        self.local, self.id, self.token, self.secret = local, id, token, secret
        self.asked = []

    def ask(self, method, path, value=None):
        """Asks with the SDK's own headers; the value is text, or what is to become JSON."""
        body = value if value is None or isinstance(value, str) else json.dumps(value)
        # Without a body these two say that it is empty.
        if body is None and method in ("POST", "DELETE"):
            body = ""
        answer = self.local.ask(method, path, body, self.headers())
        self.asked.append(f"{method} {path} {answer.status}")
        return answer

    def takes(self):
        """What was asked since this was last called."""
        asked, self.asked = ", ".join(self.asked), []
        return asked


class Days:
    """Rows about one phone: after each step, who has the pushes to both users."""

    def __init__(self, sdk, local, token, other_token):
        self.sdk, self.local = sdk, local
        self.token = local.phone("phone", token)
        self.other_token = local.phone("phone, by its new token", other_token)
        self.secrets = {"anonymous": "anonymous"}
        local.people(ALICE, BOB)
        self.sign_in()

    def sign_in(self):
        """Fresh secrets."""
        self.secrets |= {user: self.local.secret(user) for user in (ALICE, BOB)}

    def app(self, id, token, secret):
        """An installation whose app was given the secret of a user, or the word for none."""
        return self.sdk(self.local, id, token, self.secrets[secret])

    def step(self, call, app, do, asked, decides, alice="nobody", bob="nobody"):
        """The SDK does something: what it asked, what it makes of that, and whom pushes reach then."""
        decided = do()
        got = f"{app.takes()}: {decided}; {self.local.reached(ALICE, BOB)}"
        row(self.sdk.NAME, call, f"{asked}: {decides}; to {ALICE}: {alice}; to {BOB}: {bob}", got)

    def starts(self, call, app, user, asked, decides, **reached):
        """A start of the app, which registers."""
        before = "".join(f"{one}, " for one in self.sdk.BEFORE)
        self.step(call, app, lambda: app.register(user), before + asked, decides, **reached)

    def tell(self):
        self.of_users()
        self.of_a_busy_service()
        self.of_nobody()
        self.of_a_lease()

    def of_users(self):
        get, post, put = "GET /devices/phone-1", "POST /devices", "PUT /devices/phone-1"
        app = self.app("phone-1", self.token, ALICE)
        first, new = {"alice": "phone"}, {"alice": "phone, by its new token"}
        self.starts("first start, for alice with her secret", app, ALICE, f"{get} 404, {post} 201", DONE, **first)
        self.starts("next start", app, ALICE, f"{get} 200", SAME, **first)
        self.starts("for bob with the secret of alice", app, BOB, f"{get} 200, {put} 401", SHOWN, **first)
        app = self.app("phone-1", self.token, BOB)
        self.starts("for alice with the secret of bob", app, ALICE, f"{get} 404, {post} 401", SHOWN, **first)
        app = self.app("phone-1", self.token, BOB)
        self.starts("for bob with his secret", app, BOB, f"{get} 404, {post} 201", DONE, bob="phone")
        self.starts("for nobody with the secret of bob", app, "", f"{get} 200, {put} 200", DONE)
        app = self.app("phone-1", self.token, ALICE)
        self.starts("for alice again", app, ALICE, f"{get} 404, {post} 201", DONE, **first)
        app = self.app("phone-1", self.other_token, ALICE)
        self.starts("the token was refreshed", app, ALICE, f"{get} 200, {put} 200", DONE, **new)
        app = self.app("phone-2", self.other_token, ALICE)
        get = "GET /devices/phone-2"
        call = "installed anew: another device id, the same token"
        self.starts(call, app, ALICE, f"{get} 404, {post} 201", DONE, **new)
        old = self.app("phone-1", self.other_token, ALICE)
        read = lambda: self.ended(old.ask("GET", "/devices/phone-1"))
        self.step("the former installation is asked for", old, read, "GET /devices/phone-1 404", "it has ended", **new)
        self.step("logout", app, app.unregister, "DELETE /devices/phone-2 204", "unregistered")
        self.step("logout, again", app, app.unregister, "DELETE /devices/phone-2 204", "unregistered")
        self.starts("login after the logout", app, ALICE, f"{get} 404, {post} 201", DONE, **new)
        self.local.later(hours=25)
        self.starts("next start, the secret has expired", app, ALICE, f"{get} 404, {post} 401", SHOWN, **new)
        self.step("logout, the secret has expired", app, app.unregister, "DELETE /devices/phone-2 204", "unregistered")
        self.sign_in()

    def tags(self, app, steps):
        """Rows about tags: after each step, who has a push to those who want news."""
        for call, do, asked, decides, news in steps:
            decided = do()
            got = f"{app.takes()}: {decided}; to news: {self.local.message(tagNames=['news'])}"
            row(self.sdk.NAME, call, f"{asked}: {decides}; to news: {news}", got)

    def ended(self, answer):
        return "it has ended" if answer.status == 404 else "it is there"

    def of_a_busy_service(self):
        """The first read fails; what the SDK does then is its own."""
        app = self.app("phone-8", self.token, ALICE)

        def start():
            fault = {"service": "dynamodb", "operation": "GetItem", "fault": "ThrottlingException", "times": 1000}
            self.local.control("POST", "/_local/faults", fault)
            decided = app.register(ALICE)
            self.local.control("DELETE", "/_local/faults")
            return decided

        asked, decides, reached = self.sdk.AFTER_503
        before = "".join(f"{one}, " for one in self.sdk.BEFORE)
        call = "first start, the read is answered 503"
        self.step(call, app, start, f"{before}GET /devices/phone-8 503{asked}", decides, **reached)
        app.unregister()
        app.takes()

    def of_nobody(self):
        """The SDKs refuse an empty secret, so an app without one says `anonymous`."""
        get, post, delete = "GET /devices/phone-3", "POST /devices", "DELETE /devices/phone-3"
        nobody = self.app("phone-3", self.token, "anonymous")
        for call in ("first start, for nobody without a secret", "next start"):
            self.starts(call, nobody, "", f"{get} 404, {post} 201", DONE)
        self.starts("for alice without a secret", nobody, ALICE, f"{get} 404, {post} 401", SHOWN)
        self.step("unregisters without a secret", nobody, nobody.unregister, f"{delete} 204", "unregistered")
        self.step("unregisters, again", nobody, nobody.unregister, f"{delete} 404", SHOWN)
        app = self.app("phone-3", self.token, ALICE)
        self.starts("for alice with her secret", app, ALICE, f"{get} 404, {post} 201", DONE, alice="phone")
        call = "logout without a secret from a device of alice"
        nobody = self.app("phone-3", self.token, "anonymous")
        nobody.stored = "phone-3"
        self.step(call, nobody, nobody.unregister, f"{delete} 401", SHOWN, alice="phone")
        stranger = self.app("phone-3", self.other_token, "anonymous")
        call = "for nobody without a secret, a device of alice, another token"
        self.starts(call, stranger, "", f"{get} 404, {post} 401", SHOWN, alice="phone")
        nobody = self.app("phone-3", self.token, "anonymous")
        call = "for nobody without a secret, a device of alice, its token: a logout"
        self.starts(call, nobody, "", f"{get} 404, {post} 201", DONE)
        app = self.app("phone-3", self.token, ALICE)
        self.starts("for alice with her secret", app, ALICE, f"{get} 404, {post} 201", DONE, alice="phone")
        nobody = self.app("phone-9", self.token, "anonymous")
        call = "installed anew, for nobody without a secret, the token of alice's device: that ends"
        self.starts(call, nobody, "", f"GET /devices/phone-9 404, {post} 201", DONE)

    def of_a_lease(self):
        """Of 270 days; the SDK only reads while nothing changes."""
        get, post = "GET /devices/phone-4", "POST /devices"
        app = self.app("phone-4", self.token, ALICE)
        self.starts("for alice with her secret", app, ALICE, f"{get} 404, {post} 201", DONE, alice="phone")
        silent = self.app("phone-5", self.local.phone("phone that does not start", self.unused()), BOB)
        self.starts(
            "another phone, for bob",
            silent,
            BOB,
            "GET /devices/phone-5 404, POST /devices 201",
            DONE,
            alice="phone",
            bob="phone that does not start",
        )
        self.local.later(days=140)
        self.sign_in()
        app.secret = self.secrets[ALICE]
        self.starts(
            "140 days later, past half of the lease of 270",
            app,
            ALICE,
            f"{get} 200",
            SAME,
            alice="phone",
            bob="phone that does not start",
        )
        self.local.later(days=140)
        row(
            self.sdk.NAME,
            "280 days after the login, 140 after that start",
            f"to {ALICE}: phone; to {BOB}: nobody",
            self.local.reached(ALICE, BOB),
        )
        self.local.later(days=140)
        row(
            self.sdk.NAME,
            "280 days after that start",
            f"to {ALICE}: nobody; to {BOB}: nobody",
            self.local.reached(ALICE, BOB),
        )
        self.sign_in()
        app = self.app("phone-4", self.token, ALICE)
        self.starts("the next start", app, ALICE, f"{get} 404, {post} 201", DONE, alice="phone")

    def unused(self):
        """A token of the same kind that no other phone has."""
        return self.token[::-1]
