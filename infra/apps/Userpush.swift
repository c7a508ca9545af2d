// Registers an app with Userpush for the user who is signed in. README.md, beside this file, says when to call what.
import CryptoKit
import Foundation

/// Keeps a few strings on this device: private to the app, and in no backup. nil forgets.
protocol Store: Sendable {
    func read(_ key: String) -> String?
    func write(_ key: String, _ value: String?)
}

/// An answer that is not the wanted one. 401: the secret has ended, log in again. 429 and 5xx: try again later.
struct Refused: Error {
    let status: Int
}

private struct Session: Codable {
    let applicationId: String
    let userId: String
    let clientSecret: String
}

/// `nid` is the message; `uid` the user it is for, and nobody where it is for the device.
private struct Push: Decodable {
    let nid: String
    let uid: String?
}

/// There is one for the app. Calls throw `URLError` while the device is offline, and `Refused`.
actor Userpush {
    private let url: URL
    private let platform: String
    private let store: any Store
    private var last: Task<Void, Never>?

    /// `url` ends with /imfpush/v1/apps/ and the application id; `platform` is G (FCM) or A (APNs).
    init(url: URL, platform: String = "A", store: any Store) {
        self.url = url
        self.platform = platform
        self.store = store
    }

    /// After a user signed in, and at each start while one is: the device is theirs from now on, and nobody else's.
    /// Somebody else comes: `logout` first.
    func login(idToken: String) async throws {
        try await inTurn {
            try await self.leave()
            let (status, answer) = try await self.call("GET", "init", ["Authorization": "Bearer \(idToken)"])
            guard status == 200 else { throw Refused(status: status) }
            let session = try JSONDecoder().decode(Session.self, from: answer)
            self.store.write("session", try json(session))
            try await self.register()
        }
    }

    /// Whenever the platform gives or changes the device's token, before a login too. APNs gives bytes: write them as hex.
    func tokenIs(_ token: String) async throws {
        try await inTurn {
            self.store.write("token", token)
            try await self.register()
        }
    }

    /// Before the user signs out, and at each start while nobody is signed in. false: nobody heard it yet; it is said again at
    /// the next start, or before the next login says anything else.
    func logout() async -> Bool {
        do {
            try await inTurn {
                if let session = self.store.read("session") {
                    // In this order a crash between the two leaves a logout to be said, never a user who stays.
                    self.store.write("leaving", session)
                    self.store.write("session", nil)
                }
                try await self.leave()
            }
            return true
        } catch {
            return false
        }
    }

    /// Whether a push, by its field `payload`, is for this user, or for the device: look before you open what it is about.
    func isMine(_ payload: String) throws -> Bool {
        let push = try JSONDecoder().decode(Push.self, from: Data(payload.utf8))
        guard let uid = push.uid else { return true }
        return uid == (try session()).map(uidOf)
    }

    /// Whether to show a push: it is mine, and came for the first time.
    func accepts(_ payload: String) throws -> Bool {
        guard try isMine(payload) else { return false }
        let push = try JSONDecoder().decode(Push.self, from: Data(payload.utf8))
        let known = Data((store.read("seen") ?? "[]").utf8)
        let seen = try JSONDecoder().decode([String].self, from: known)
        if seen.contains(push.nid) { return false }
        store.write("seen", try json(Array((seen + [push.nid]).suffix(100))))
        return true
    }

    private func register() async throws {
        guard let session = try session(), let token = store.read("token") else { return }
        let what = ["token": token, "userId": session.userId]
        let status = try await post(what, ["clientSecret": session.clientSecret])
        guard status == 201 else { throw Refused(status: status) }
    }

    /// Says a logout that has not been heard. An older secret than the present ones is good for it too.
    private func leave() async throws {
        guard let leaving = store.read("leaving") else { return }
        let session = try JSONDecoder().decode(Session.self, from: Data(leaving.utf8))
        let secret = ["clientSecret": session.clientSecret]
        var (status, _) = try await call("DELETE", "devices/\(deviceId())", secret)
        if status == 401, let token = store.read("token") {
            // The secret was revoked. But the token proves the phone: registered for nobody, it is nobody's.
            status = try await post(["token": token], [:])
        }
        // 404: it was not registered any more. 401: nothing else can be said; the next login or the lease ends it.
        guard [201, 204, 401, 404].contains(status) else { throw Refused(status: status) }
        store.write("leaving", nil)
    }

    private func post(_ what: [String: String], _ headers: [String: String]) async throws -> Int {
        var body = what
        body["deviceId"] = deviceId()
        body["platform"] = platform
        return try await call("POST", "devices", headers, body).0
    }

    private func call(
        _ method: String, _ path: String, _ headers: [String: String], _ body: [String: String]? = nil
    ) async throws -> (Int, Data) {
        var request = URLRequest(url: url.appendingPathComponent(path), timeoutInterval: 15)
        request.httpMethod = method
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        if let body {
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = try JSONEncoder().encode(body)
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        guard let answer = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return (answer.statusCode, data)
    }

    private func session() throws -> Session? {
        guard let text = store.read("session") else { return nil }
        return try JSONDecoder().decode(Session.self, from: Data(text.utf8))
    }

    /// Random for each installation: whoever knows the id of a device that is nobody's can end it.
    private func deviceId() -> String {
        if let known = store.read("deviceId") { return known }
        let made = UUID().uuidString.lowercased()
        store.write("deviceId", made)
        return made
    }

    /// One call after the other: a new token that crosses a logout must not register who has left. An actor alone lets
    /// another call in wherever one waits.
    private func inTurn(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let before = last
        let turn = Task {
            _ = await before?.value
            try await work()
        }
        last = Task { _ = try? await turn.value }
        try await turn.value
    }
}

private func json(_ value: some Encodable) throws -> String {
    String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
}

/// How a push names the user it is for: the first 16 hex digits of SHA-256(application id, a zero byte, user id).
private func uidOf(_ session: Session) -> String {
    let digest = SHA256.hash(data: Data("\(session.applicationId)\0\(session.userId)".utf8))
    return digest.prefix(8).map { String(format: "%02x", $0) }.joined()
}
