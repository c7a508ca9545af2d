//! How many requests each route takes in a second: a token bucket for each, as API Gateway has it.

use crate::template::Limit;
use push::Time;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The buckets of all routes.
pub struct Limits(BTreeMap<String, Mutex<Bucket>>);

struct Bucket {
    limit: Limit,
    /// How many requests it takes at this moment; it never holds more than the burst.
    tokens: f64,
    /// When the tokens were counted.
    counted: Time,
}

impl Limits {
    /// Full buckets for routes by their keys.
    pub fn new(limits: BTreeMap<String, Limit>) -> Self {
        let bucket = |(route, limit): (String, Limit)| {
            let bucket = Bucket {
                limit,
                tokens: limit.burst,
                counted: Time::from_millis(0),
            };
            (route, Mutex::new(bucket))
        };
        Self(limits.into_iter().map(bucket).collect())
    }

    /// Whether a route takes one more request. A route without a limit takes every one.
    pub fn admit(&self, route: &str, now: Time) -> bool {
        self.0.get(route).is_none_or(|bucket| {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.take(now)
        })
    }
}

impl Bucket {
    fn take(&mut self, now: Time) -> bool {
        let passed = now.millis().saturating_sub(self.counted.millis());
        let gained = Duration::from_millis(passed).as_secs_f64() * self.limit.rate;
        self.tokens = self.limit.burst.min(self.tokens + gained);
        self.counted = now;
        let admitted = self.tokens >= 1.0;
        if admitted {
            self.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_takes_its_burst_at_once_and_then_its_rate() {
        let limit = |rate, burst| Limit { rate, burst };
        let limits = [("POST /a", limit(2.0, 3.0)), ("GET /a", limit(1.0, 1.0))];
        let limits = Limits::new(
            limits
                .map(|(route, limit)| (route.to_owned(), limit))
                .into(),
        );
        let admitted = |route: &str, millis: u64, requests: usize| {
            let now = Time::from_millis(1_000_000 + millis);
            let admitted = (0..requests).filter(|_| limits.admit(route, now));
            admitted.count()
        };
        assert_eq!(admitted("POST /a", 0, 5), 3);
        // Another route has a bucket of its own.
        assert_eq!(admitted("GET /a", 0, 5), 1);
        assert_eq!(admitted("POST /a", 499, 5), 0);
        assert_eq!(admitted("POST /a", 500, 5), 1);
        assert_eq!(admitted("POST /a", 1500, 5), 2);
        // It saves no more than the burst.
        assert_eq!(admitted("POST /a", 60_000, 5), 3);
        assert_eq!(admitted("GET /b", 0, 5), 5);
    }
}
