// The days of a shared device, lived through with infra/apps/Userpush.kt on a local system.
package userpush

import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.security.MessageDigest
import java.util.UUID
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import org.json.JSONArray
import org.json.JSONObject

private val local = System.getenv("LOCAL")!!
private val offline = System.getenv("NOBODY_LISTENS")!! + "/imfpush/v1/apps/userpush"
private val client = HttpClient.newHttpClient()

private fun json(method: String, url: String, body: JSONObject? = null): JSONObject {
    val (status, answer) = call(method, url, body)
    check(status in 200..299) { "$method $url is answered $status" }
    return JSONObject(answer.ifEmpty { "{}" })
}

private fun call(method: String, url: String, body: JSONObject? = null): Pair<Int, String> {
    val publisher = body?.let { HttpRequest.BodyPublishers.ofString(it.toString()) } ?: HttpRequest.BodyPublishers.noBody()
    val request = HttpRequest.newBuilder(URI(url)).method(method, publisher).header("content-type", "application/json")
    if (!url.startsWith("$local/_local/")) request.header("appSecret", info.getString("appSecret"))
    val answer = client.send(request.build(), HttpResponse.BodyHandlers.ofString())
    return answer.statusCode() to answer.body()
}

private val info = json("GET", "$local/_local/info")
private val api = info.getString("apiUrl")

/** A device with an installation of the app: what it stores stays when the app starts anew. */
private class Phone(val platform: String = "G") {
    val token = token()
    private var kept = mutableMapOf<String, String>()

    /** The app, just started. */
    fun app(url: String = api) = Userpush(url, platform, object : Store {
        private val kept = this@Phone.kept
        override fun read(key: String) = kept[key]
        override fun write(key: String, value: String?) {
            if (value == null) kept.remove(key) else kept[key] = value
        }
    })

    fun reinstall() {
        kept = mutableMapOf()
    }

    val deviceId get() = kept["deviceId"] ?: error("the app has made no device id")
}

private fun sha256(text: String) =
    MessageDigest.getInstance("SHA-256").digest(text.toByteArray()).joinToString("") { "%02x".format(it) }

private fun token() = sha256(UUID.randomUUID().toString())

private fun uid(userId: String) = sha256(info.getString("applicationId") + "\u0000" + userId).take(16)

/** A name that no other test has. */
private fun person(name: String) = "$name-${UUID.randomUUID()}"

private fun idToken(userId: String) =
    json("POST", "$local/_local/login", JSONObject().put("userId", userId)).getString("token")

private fun JSONArray.objects() = (0 until length()).map { getJSONObject(it) }

/** Device id, user, token and platform of each. */
private fun devices(userId: String) = json("GET", "$api/devices?userId=$userId").getJSONArray("devices").objects().map {
    listOf("deviceId", "userId", "token", "platform").map(it::getString)
}

/** Whose a device is, whoever it is; null where it is not registered. */
private fun owner(deviceId: String) = call("GET", "$api/devices/$deviceId").let { (status, answer) ->
    if (status == 404) null else JSONObject(answer).getString("userId")
}

/** Sends to people, and gives for each how many devices took it. */
private fun send(vararg userIds: String): Map<String, Int> {
    val target = JSONObject().put("userIds", JSONArray(userIds.toList()))
    val message = JSONObject().put("message", JSONObject().put("alert", "Hello")).put("target", target)
    val recipients = json("POST", "$api/messages", message).getJSONObject("recipients")
    return recipients.keys().asSequence().associateWith(recipients::getInt)
}

/** The field `payload` of each push that a token received. */
private fun payloads(token: String) = json("GET", "$local/_local/pushes?token=$token").getJSONArray("pushes").objects().map {
    val payload = it.getJSONObject("payload")
    if (it.getString("platform") == "A") payload.getString("payload")
    else payload.getJSONObject("fcmV1Message").getJSONObject("message").getJSONObject("data").getString("payload")
}

private fun passes(seconds: Int) {
    json("POST", "$local/_local/clock", JSONObject().put("advanceSeconds", seconds))
}

private fun same(got: Any?, wanted: Any?) = check(got == wanted) { "$got, not $wanted" }

private fun refused(status: Int, work: () -> Unit) =
    same(runCatching(work).exceptionOrNull().let { if (it is Refused) it.status else it }, status)

private var passed = 0
private var failed = 0

private fun test(name: String, story: () -> Unit) = try {
    story()
    passed++
    println("ok - $name")
} catch (broken: Exception) {
    failed++
    println("not ok - $name: $broken")
}

/** A phone on which a user has just logged in. */
private fun loggedIn(userId: String, phone: Phone = Phone()): Phone {
    phone.app().tokenIs(phone.token)
    phone.app().login(idToken(userId))
    return phone
}

fun main() {
    for (platform in listOf("G", "A")) {
        test("a login registers the device, and a push for her is shown once ($platform)") {
            val alice = person("alice")
            val phone = loggedIn(alice, Phone(platform))
            same(devices(alice), listOf(listOf(phone.deviceId, alice, phone.token, platform)))
            same(send(alice), mapOf(alice to 1))
            val payload = payloads(phone.token).single()
            same(JSONObject(payload).getString("uid"), uid(alice))
            same(listOf(true, false), List(2) { phone.app().accepts(payload) })
        }
    }

    test("a token that comes after the login registers the device, and a new one takes its place") {
        val (phone, alice) = Phone() to person("alice")
        phone.app().login(idToken(alice))
        same(devices(alice), emptyList<Any>())
        phone.app().tokenIs(phone.token)
        val newer = token()
        phone.app().tokenIs(newer)
        same(devices(alice), listOf(listOf(phone.deviceId, alice, newer, "G")))
    }

    test("another user takes the device over, and a push that was under way to the first is not shown") {
        val (alice, bob) = person("alice") to person("bob")
        val phone = loggedIn(alice)
        send(alice)
        val late = payloads(phone.token).single()
        phone.app().login(idToken(bob))
        same(phone.app().isMine(late) || phone.app().accepts(late), false)
        same(send(alice, bob), mapOf(alice to 0, bob to 1))
        val his = payloads(phone.token)[1]
        same(phone.app().accepts(his) && phone.app().isMine(his), true)
    }

    test("after the logout nothing arrives, and a push that was under way is not shown") {
        val alice = person("alice")
        val phone = loggedIn(alice)
        send(alice)
        val late = payloads(phone.token).single()
        same(phone.app().logout(), true)
        same(owner(phone.deviceId), null)
        same(send(alice), mapOf(alice to 0))
        same(phone.app().accepts(late), false)
        phone.app().tokenIs(token())
        same(devices(alice), emptyList<Any>())
    }

    test("tokens that change while the user logs out register nobody") {
        val alice = person("alice")
        val app = loggedIn(alice).app()
        val changes = List(4) { thread { app.tokenIs(token()) } }
        same(app.logout(), true)
        changes.forEach(Thread::join)
        same(devices(alice), emptyList<Any>())
    }

    test("a logout while offline is said at the next start") {
        val alice = person("alice")
        val phone = loggedIn(alice)
        same(phone.app(offline).logout(), false)
        same(phone.app(offline).logout(), false)
        same(devices(alice).size, 1)
        same(phone.app().logout(), true)
        same(owner(phone.deviceId), null)
    }

    test("a logout while offline is said before the next login does anything else") {
        val alice = person("alice")
        val phone = loggedIn(alice)
        same(phone.app(offline).logout(), false)
        refused(401) { phone.app().login("no ID token") }
        same(owner(phone.deviceId), null)
        phone.app().login(idToken(alice))
        same(devices(alice).size, 1)
    }

    test("a reinstalled app takes over its token") {
        val alice = person("alice")
        val phone = loggedIn(alice)
        val before = phone.deviceId
        phone.reinstall()
        loggedIn(alice, phone)
        same(phone.deviceId == before, false)
        same(devices(alice).map { it[0] }, listOf(phone.deviceId))
        same(send(alice), mapOf(alice to 1))
        payloads(phone.token).single()
    }

    test("an expired secret logs out, and does not register") {
        val alice = person("alice")
        val phone = loggedIn(alice)
        passes(2 * 24 * 60 * 60)
        val newer = token()
        refused(401) { phone.app().tokenIs(newer) }
        phone.app().login(idToken(alice))
        same(devices(alice).map { it[2] }, listOf(newer))
        passes(2 * 24 * 60 * 60)
        same(phone.app().logout(), true)
        same(owner(phone.deviceId), null)
    }

    test("where the secret was revoked, the token logs out") {
        val alice = person("alice")
        val phone = loggedIn(alice)
        repeat(2) {
            json("POST", "$local/_local/secrets/rotate", JSONObject().put("secret", "clientSecret"))
            // Past what functions keep a secret for.
            passes(180)
        }
        same(phone.app().logout(), true)
        same(owner(phone.deviceId), "anonymous")
        same(send(alice), mapOf(alice to 0))
    }

    println("$passed passed, $failed failed")
    if (failed > 0) exitProcess(1)
}
