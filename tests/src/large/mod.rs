//! Large sends: one message to very many devices, while SNS throttles, times out and loses answers, and while the
//! processes that work it off are killed. Every device is told, every repeat can be told from something new, and the
//! counts are exact (I6).

mod check;
mod crowd;
mod pace;
mod report;
mod settings;
mod working;

pub use crowd::{Crowd, Registry};
pub use report::Report;
pub use settings::Large;

use crate::api::Api;
use crate::cloud::Cloud;
use check::{Received, Told};
use crowd::Tag;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use working::{Deliver, Worked, Working};

/// Whom the message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All users of a crowd, by name; there is another crowd that gets nothing.
    Users,
    /// Who subscribed to a tag, as all of a crowd did; there is another crowd that gets nothing.
    Subscribers,
    /// Everybody.
    Everybody,
}

impl Audience {
    /// The queue that its jobs are on, by its name in SQS.
    const fn queue(self) -> &'static str {
        match self {
            Self::Users => "userpush-NamedJobQueue",
            Self::Subscribers | Self::Everybody => "userpush-JobQueue",
        }
    }
}

const ALERT: &str = "to very many";
/// What a kill may cost: the pushes of one page, in which there are at most so many devices.
const PAGE: usize = 100;
/// For every so many devices that the message is for there is one of another crowd.
const OTHERS: usize = 100;
/// Devices that are looked at through the API, once they are in the table.
const LOOKED_AT: usize = 4;

impl Large {
    /// Sends one message, and holds what comes of it against what was promised.
    ///
    /// # Errors
    /// Every promise that was broken.
    ///
    /// # Panics
    /// Where it cannot go on: the API does not do what it is asked for.
    pub async fn run(&self, audience: Audience) -> Result<Report, String> {
        let mut parameters = self.parameters.clone();
        if audience == Audience::Everybody {
            parameters.push(("AllowBroadcast".to_owned(), "true".to_owned()));
        }
        let (api, registry, deliver) = self.start(parameters).await?;
        let crowd = Crowd::new(self.devices, self.users);
        let others = Crowd::new(self.devices.div_ceil(OTHERS), self.users.div_ceil(OTHERS));
        let begun = Instant::now();
        let tag = registry.tag(&api).await?;
        let subscribed = (audience == Audience::Subscribers).then_some(&tag);
        for (crowd, tag) in [(&crowd, subscribed), (&others, None)] {
            crowd.register(&registry, tag).await?;
            look(&api, crowd, tag).await;
        }
        let seeded = begun.elapsed();
        let working = match deliver {
            Some(deliver) => {
                Some(Working::start(&api, &registry.cloud, deliver, audience.queue()).await?)
            }
            None => None,
        };
        self.disturb(&api).await;
        api.forget_calls().await;
        let message = match audience {
            // What no platform keeps has no time in which it would expire here.
            Audience::Users => json!({
                "message": {"alert": ALERT}, "target": {"userIds": crowd.users()},
                "settings": {"gcm": {"timeToLive": 0}, "apns": {"timeToLive": 0}},
            }),
            Audience::Subscribers => {
                json!({"message": {"alert": ALERT}, "target": {"tagNames": [tag.name]}})
            }
            Audience::Everybody => json!({"message": {"alert": ALERT}}),
        };
        let sending = Instant::now();
        let answer = api.send(&message).await.ok(202);
        let accepted = sending.elapsed();
        let id = answer["messageId"].as_str().expect("a message id");
        let work = async {
            match &working {
                Some(working) => working.until_dispatched(&api, id).await,
                None => Ok((dispatched(&api, id).await, Worked::default())),
            }
        };
        let work = tokio::time::timeout(self.patience, work).await;
        let Ok(work) = work else {
            let status = api.status(id).await;
            return Err(format!("not done after {:?}: {status}", self.patience));
        };
        let ((status, dispatched), worked) = work?;
        let faults = api.control(Method::GET, "/faults", None).await;
        let reading = Instant::now();
        let shown = api.control(Method::GET, "/pushes", None).await;
        let read = reading.elapsed();
        let told = Told {
            message: id,
            alert: ALERT,
            application: api.application(),
            crowds: match audience {
                Audience::Users | Audience::Subscribers => &[&crowd],
                Audience::Everybody => &[&crowd, &others],
            },
            names_users: audience == Audience::Users,
        };
        let (received, mut wrong) = told.received(&shown);
        let devices: usize = told.crowds.iter().map(|crowd| crowd.phones.len()).sum();
        let report = Report {
            devices,
            seeded,
            accepted,
            dispatched: accepted + dispatched,
            read,
            received,
            hits: hits(&faults),
            retried: number(&status["counts"]["retried"]),
            worked,
        };
        wrong.extend(report.faults());
        if let Some(working) = &working {
            wrong.extend(working.faults(&report.worked));
        }
        wrong.extend(counts_are_wrong(&status, devices));
        wrong.extend(dead_letters(&api).await);
        if wrong.is_empty() {
            return Ok(report);
        }
        let (count, most) = (wrong.len(), 20);
        wrong.truncate(most);
        Err(format!("{report}\n{count} faults:\n{}", wrong.join("\n")))
    }

    /// SNS works as badly from here on as it was asked to.
    async fn disturb(&self, api: &Api) {
        for (fault, one_in) in [
            ("Throttling", self.throttled),
            ("timeout", self.timeouts),
            ("lostAnswer", self.lost),
        ] {
            if one_in > 0 {
                let body = json!({"service": "sns", "operation": "Publish", "fault": fault, "oneIn": one_in});
                api.control(Method::POST, "/faults", Some(body)).await;
            }
        }
    }

    async fn start(
        &self,
        parameters: Vec<(String, String)>,
    ) -> Result<(Api, Registry, Option<Deliver>), String> {
        let options = local::Options {
            port: 0,
            parameter_overrides: parameters,
            ..local::Options::default()
        };
        let server = local::Local::start(options).await;
        let server = server.map_err(|error| format!("the local server does not start: {error}"))?;
        let environment = |function: &str| {
            let environment = server.environment(function).cloned();
            environment.ok_or_else(|| format!("the template has no {function}"))
        };
        let register = environment("RegisterFunction")?;
        let deliver = match &self.deliver {
            Some(deliver) => Some(deliver.with(environment("DeliverFunction")?)),
            None => None,
        };
        let url = server.base_url().to_owned();
        let api = Api::at(&url, &url, Some(server)).await;
        let info = api.control(Method::GET, "/info", None).await;
        let aws = info["awsEndpointUrl"].as_str().expect("awsEndpointUrl");
        Ok((api, Registry::new(Cloud::at(aws), &register), deliver))
    }
}

/// Devices that were written look to the API as if they had registered, and subscribed: a registration of one changes
/// nothing.
async fn look(api: &Api, crowd: &Crowd, tag: Option<&Tag>) {
    let step = crowd.phones.len().div_ceil(LOOKED_AT);
    for (n, phone) in crowd.phones.iter().enumerate().step_by(step) {
        let owner = crowd.owner(n);
        api.holds(phone, Some(&owner)).await;
        let subscriptions = format!("/subscriptions?deviceId={}", phone.device);
        let subscriptions = api.backend_get(&subscriptions).await.ok(200);
        let subscriptions = subscriptions["subscriptions"].as_array().expect("a list");
        let named: Vec<_> = subscriptions.iter().map(|one| &one["tagName"]).collect();
        let expected: Vec<_> = tag.iter().map(|tag| json!(tag.name)).collect();
        assert_eq!(named, expected.iter().collect::<Vec<_>>());
        api.forget_calls().await;
        let secret = Some(api.client_secret());
        api.register(phone, Some(&owner), secret).await.ok(201);
        let calls = api.calls().await;
        let calls = calls.as_object().expect("calls").iter();
        let calls: Vec<_> = calls
            .filter(|(name, _)| !name.starts_with("secretsmanager."))
            .collect();
        assert_eq!(calls, [(&"dynamodb.BatchGetItem".to_owned(), &json!(1))]);
    }
}

/// Waits until the status says that the message is dispatched; gives the status, and how long that took.
async fn dispatched(api: &Api, id: &str) -> (Value, Duration) {
    let begun = Instant::now();
    loop {
        let status = api.status(id).await;
        if status["status"] == "Dispatched" {
            return (status, begun.elapsed());
        }
        // Seldom: it sums all jobs each time.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How many calls each fault has hit.
fn hits(faults: &Value) -> report::Hits {
    let of = |name: &str| {
        let mut faults = faults["faults"].as_array().into_iter().flatten();
        let fault = faults.find(|fault| fault["fault"] == name);
        fault.map_or(0, |fault| number(&fault["hits"]))
    };
    report::Hits {
        throttled: of("Throttling"),
        timed_out: of("timeout"),
        lost: of("lostAnswer"),
    }
}

fn number(value: &Value) -> usize {
    value
        .as_u64()
        .and_then(|number| number.try_into().ok())
        .unwrap_or_default()
}

/// Every device is counted, once, as accepted.
fn counts_are_wrong(status: &Value, devices: usize) -> Option<String> {
    let counts = &status["counts"];
    let expected = json!({
        "accepted": devices, "dead": 0, "refused": 0, "misconfigured": 0, "expired": 0,
        "retried": counts["retried"],
    });
    (*counts != expected).then(|| format!("the counts are {counts}"))
}

/// A job that was given up.
async fn dead_letters(api: &Api) -> Option<String> {
    let queues = api.control(Method::GET, "/queues", None).await;
    let letters = &queues["JobDeadLetterQueue"];
    (letters["visible"] != 0).then(|| format!("there are dead letters: {letters}"))
}
