// Registers an app with Userpush for the user who is signed in. README.md, beside this file, says when to call what.
package userpush

import java.io.IOException
import java.net.HttpURLConnection
import java.net.URL
import java.security.MessageDigest
import java.util.UUID
import org.json.JSONArray
import org.json.JSONObject

/** Keeps a few strings on this device: private to the app, and in no backup. null forgets. */
interface Store {
    fun read(key: String): String?
    fun write(key: String, value: String?)
}

/** An answer that is not the wanted one. 401: the secret has ended, log in again. 429 and 5xx: try again later. */
class Refused(val status: Int) : IOException("Userpush answered $status")

/**
 * [url] ends with /imfpush/v1/apps/ and the application id; [platform] is G (FCM) or A (APNs). There is one for the app.
 *
 * All but [isMine] and [accepts] wait for the network, never on the main thread, and one for the other: a new token that crosses a
 * logout must not register who has left. They throw [IOException] while the device is offline, and [Refused].
 */
class Userpush(private val url: String, private val platform: String, private val store: Store) {
    private val pushes = Any()

    /**
     * After a user signed in, and at each start while one is: the device is theirs from now on, and nobody else's. Somebody
     * else comes: [logout] first.
     */
    @Synchronized
    fun login(idToken: String) {
        leave()
        val (status, answer) = call("GET", "init", mapOf("Authorization" to "Bearer $idToken"))
        if (status != 200) throw Refused(status)
        val init = JSONObject(answer)
        val session = JSONObject()
        for (key in listOf("applicationId", "userId", "clientSecret")) session.put(key, init.getString(key))
        store.write("session", session.toString())
        register()
    }

    /** Whenever the platform gives or changes the device's token, before a login too. */
    @Synchronized
    fun tokenIs(token: String) {
        store.write("token", token)
        register()
    }

    /**
     * Before the user signs out, and at each start while nobody is signed in. false: nobody heard it yet; it is said again at
     * the next start, or before the next login says anything else.
     */
    @Synchronized
    fun logout(): Boolean {
        store.read("session")?.let {
            // In this order a crash between the two leaves a logout to be said, never a user who stays.
            store.write("leaving", it)
            store.write("session", null)
        }
        return try {
            leave()
            true
        } catch (offline: IOException) {
            false
        }
    }

    /** Whether a push, by its field `payload`, is for this user, or for the device: look before you open what it is about. */
    fun isMine(payload: String): Boolean {
        val push = JSONObject(payload)
        return !push.has("uid") || push.getString("uid") == session()?.let(::uidOf)
    }

    /** Whether to show a push: it is mine, and came for the first time. */
    fun accepts(payload: String): Boolean = synchronized(pushes) {
        if (!isMine(payload)) return false
        val nid = JSONObject(payload).getString("nid")
        val known = JSONArray(store.read("seen") ?: "[]")
        val seen = (0 until known.length()).map { known.getString(it) }
        if (nid in seen) return false
        store.write("seen", JSONArray((seen + nid).takeLast(100)).toString())
        return true
    }

    private fun register() {
        val session = session() ?: return
        val token = store.read("token") ?: return
        val secret = mapOf("clientSecret" to session.getString("clientSecret"))
        val status = post(JSONObject().put("token", token).put("userId", session.getString("userId")), secret)
        if (status != 201) throw Refused(status)
    }

    /** Says a logout that has not been heard. An older secret than the present ones is good for it too. */
    private fun leave() {
        val leaving = JSONObject(store.read("leaving") ?: return)
        val secret = mapOf("clientSecret" to leaving.getString("clientSecret"))
        var status = call("DELETE", "devices/${deviceId()}", secret).first
        val token = store.read("token")
        // The secret was revoked. But the token proves the phone: registered for nobody, it is nobody's.
        if (status == 401 && token != null) status = post(JSONObject().put("token", token), emptyMap())
        // 404: it was not registered any more. 401: nothing else can be said; the next login or the lease ends it.
        if (status !in listOf(201, 204, 401, 404)) throw Refused(status)
        store.write("leaving", null)
    }

    private fun post(what: JSONObject, headers: Map<String, String>): Int {
        val body = what.put("deviceId", deviceId()).put("platform", platform)
        return call("POST", "devices", headers, body).first
    }

    private fun call(method: String, path: String, headers: Map<String, String>, body: JSONObject? = null): Pair<Int, String> {
        val connection = URL("$url/$path").openConnection() as HttpURLConnection
        try {
            connection.requestMethod = method
            connection.connectTimeout = 15_000
            connection.readTimeout = 15_000
            headers.forEach(connection::setRequestProperty)
            if (body != null) {
                connection.setRequestProperty("Content-Type", "application/json")
                connection.doOutput = true
                connection.outputStream.use { it.write(body.toString().toByteArray()) }
            }
            val status = connection.responseCode
            val stream = if (status < 400) connection.inputStream else connection.errorStream
            return status to (stream?.use { it.readBytes().decodeToString() } ?: "")
        } finally {
            connection.disconnect()
        }
    }

    private fun session() = store.read("session")?.let(::JSONObject)

    /** Random for each installation: whoever knows the id of a device that is nobody's can end it. */
    private fun deviceId(): String =
        store.read("deviceId") ?: UUID.randomUUID().toString().also { store.write("deviceId", it) }
}

/** How a push names the user it is for: the first 16 hex digits of SHA-256(application id, a zero byte, user id). */
private fun uidOf(session: JSONObject): String {
    val text = session.getString("applicationId") + "\u0000" + session.getString("userId")
    val digest = MessageDigest.getInstance("SHA-256").digest(text.toByteArray())
    return digest.take(8).joinToString("") { "%02x".format(it) }
}
