//! What a function finds in AWS: the items that registrations left in the table of a local system, and what its other
//! services answer.

use local::{Local, Options};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use tests::Cloud;

/// Why something cannot be measured.
pub type Failed = Box<dyn Error + Send + Sync>;

/// A local system after some registrations, and a copy of its table. The copy answers in no time and is never changed:
/// whatever is measured finds the same, however often it is done.
pub struct World {
    /// The application's id in every path.
    pub application: String,
    /// The secret of backends.
    pub app_secret: String,
    /// A client secret of [`USER`].
    pub user_secret: String,
    /// The local AWS, for what the copy does not hold.
    pub cloud: Cloud,
    items: HashMap<(String, String), Value>,
    partitions: HashMap<String, Vec<Value>>,
    local: Local,
}

/// The user that registers.
pub const USER: &str = "alice";
/// The user's first device.
pub const DEVICE: &str = "alice-00000";
/// Users beside [`USER`], with so many devices each.
pub const OTHERS: [(&str, usize); 3] = [("one", 1), ("ten", 10), ("hundred", 100)];

/// The number of a device that nobody knows yet.
pub const NEW: usize = 99_999;

/// The token of a user's device of this number.
#[must_use]
pub fn token(user: &str, n: usize) -> String {
    format!("{user}-{n:05}:APA91bFgh3Kx-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789")
}

/// The body that registers a user's device of this number.
#[must_use]
pub fn registration(user: &str, n: usize) -> Value {
    json!({"deviceId": format!("{user}-{n:05}"), "token": token(user, n), "platform": "G", "userId": user})
}

impl World {
    /// A world in which [`USER`] has so many devices, and the [`OTHERS`] have theirs.
    ///
    /// # Errors
    /// The local system does not do what it is asked for.
    pub async fn with_devices(devices: usize) -> Result<Self, Failed> {
        let many = ("MaxDevicesPerUser".to_owned(), "10000".to_owned());
        let local = Local::start(Options {
            port: 0,
            parameter_overrides: vec![many],
            ..Options::default()
        })
        .await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let at = |path: &str| format!("{}{path}", local.base_url());
        let info: Value = http.get(at("/_local/info")).send().await?.json().await?;
        let text = |value: &Value, name: &str| {
            let text = value[name].as_str().map(str::to_owned);
            text.ok_or_else(|| Failed::from(format!("no {name} in {value}")))
        };
        let api = text(&info, "apiUrl")?;
        let mut user_secret = String::new();
        // The user's last: its secret is the one that is kept.
        for (user, devices) in OTHERS.into_iter().chain([(USER, devices)]) {
            let login = http.post(at("/_local/login"));
            let login = login.json(&json!({"userId": user})).send().await?;
            let token = text(&login.json().await?, "token")?;
            let init = http.get(format!("{api}/init")).bearer_auth(token);
            user_secret = text(&init.send().await?.json().await?, "clientSecret")?;
            for n in 0..devices {
                let call = http.post(format!("{api}/devices"));
                let call = call.header("clientSecret", &user_secret);
                let answer = call.json(&registration(user, n)).send().await?;
                if answer.status() != 201 {
                    return Err(format!("no registration: {}", answer.text().await?).into());
                }
            }
        }
        let cloud = Cloud::at(&text(&info, "awsEndpointUrl")?);
        let mut world = Self {
            application: text(&info, "applicationId")?,
            app_secret: text(&info, "appSecret")?,
            user_secret,
            cloud,
            items: HashMap::new(),
            partitions: HashMap::new(),
            local,
        };
        world.copy().await?;
        Ok(world)
    }

    /// What the function of this logical name is told.
    ///
    /// # Errors
    /// There is no such function.
    pub fn environment(&self, function: &str) -> Result<BTreeMap<String, String>, Failed> {
        let found = self.local.environment(function).cloned();
        found.ok_or_else(|| format!("no function {function}").into())
    }

    /// The item of a key as DynamoDB writes it.
    #[must_use]
    pub fn item(&self, key: &Value) -> Option<&Value> {
        let part = |name: &str| key[name]["S"].as_str().map(str::to_owned);
        self.items.get(&(part("pk")?, part("sk")?))
    }

    /// The items of a partition, in the order of their sort keys.
    #[must_use]
    pub fn partition(&self, key: &str) -> &[Value] {
        self.partitions.get(key).map_or(&[], Vec::as_slice)
    }

    /// How many devices the user has.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.partition(&format!("USER#{USER}")).len()
    }

    /// The keys that a registration of the user's first device reads: of the device, of its token and of the user's link to it.
    #[must_use]
    pub fn read_keys(&self) -> Vec<Value> {
        let read = self.items.iter().filter(|((pk, sk), item)| {
            let user = pk == &format!("USER#{USER}");
            let device = pk.starts_with("DEVICES#") || user;
            sk == DEVICE && device || pk.starts_with("TOKEN#") && item["d"]["S"] == DEVICE
        });
        read.map(|((pk, sk), _)| json!({"pk": pk, "sk": sk}))
            .collect()
    }

    /// The ARN of a device's endpoint.
    ///
    /// # Errors
    /// There is no such device.
    pub fn endpoint(&self) -> Result<String, Failed> {
        let found = self
            .items
            .iter()
            .find_map(|((_, sk), item)| (sk == DEVICE).then(|| item["endpoint"]["S"].as_str())?);
        found.map(str::to_owned).ok_or_else(|| "no endpoint".into())
    }

    async fn copy(&mut self) -> Result<(), Failed> {
        let table = self.environment("RegisterFunction")?["TABLE_NAME"].clone();
        let mut from = Value::Null;
        loop {
            let mut input = json!({"TableName": table, "ConsistentRead": true});
            if !from.is_null() {
                input["ExclusiveStartKey"] = from;
            }
            let page = self.cloud.json("DynamoDB_20120810.Scan", &input).await?;
            for item in page["Items"].as_array().into_iter().flatten() {
                let part = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
                let (pk, sk) = (part("pk"), part("sk"));
                self.partitions
                    .entry(pk.clone())
                    .or_default()
                    .push(item.clone());
                self.items.insert((pk, sk), item.clone());
            }
            from = page["LastEvaluatedKey"].clone();
            if from.is_null() {
                return Ok(());
            }
        }
    }
}
