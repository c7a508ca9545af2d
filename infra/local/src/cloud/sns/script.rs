//! What happens to phones and applications without a call to SNS, and what tests see of them.

use super::super::kept::NotSaved;
use super::registry::{Platform, Registry, endpoint_arn};
use super::{Form, Sns};
use serde_json::{Value, json};

impl Sns {
    /// Whether a call is about a token: it names the token, or an endpoint that has it or would get it.
    pub fn concerns(&self, form: &Form, token: &str) -> bool {
        let arn = form
            .optional("EndpointArn")
            .or_else(|| form.optional("TargetArn"));
        form.optional("Token") == Some(token)
            || arn.is_some_and(|arn| {
                self.registry.read(|registry| {
                    registry
                        .endpoints
                        .get(arn)
                        .is_some_and(|endpoint| endpoint.token == token)
                        || registry
                            .applications
                            .keys()
                            .any(|application| endpoint_arn(application, token) == arn)
                })
            })
    }

    /// All endpoints, for the control surface.
    pub fn endpoints(&self) -> Value {
        self.registry.read(|registry| {
            let shown = registry.endpoints.iter().map(|(arn, endpoint)| {
                json!({"token": endpoint.token, "platform": endpoint.platform().map(Platform::letter),
                    "endpointArn": arn, "enabled": endpoint.enabled})
            });
            json!({"endpoints": shown.collect::<Vec<_>>()})
        })
    }

    /// The platform service disables a token's endpoints, or they come back. Gives how many there are.
    ///
    /// # Errors
    /// The change could not be saved.
    pub fn enable(&self, token: &str, enabled: bool) -> Result<usize, NotSaved> {
        self.each(token, |registry, arn| {
            if let Some(endpoint) = registry.endpoints.get_mut(arn) {
                endpoint.enabled = enabled;
            }
        })
    }

    /// A token's endpoints are gone. Gives how many there were.
    ///
    /// # Errors
    /// The change could not be saved.
    pub fn remove(&self, token: &str) -> Result<usize, NotSaved> {
        self.each(token, Registry::delete)
    }

    /// The credentials of a platform fail, or work again. Gives how many applications it has.
    ///
    /// # Errors
    /// The change could not be saved.
    pub fn enable_platform(&self, letter: &str, enabled: bool) -> Result<usize, NotSaved> {
        self.registry.update(|registry| {
            let of_platform = |arn: &str| {
                Platform::of_application(arn).is_some_and(|platform| platform.letter() == letter)
            };
            let mut count = 0;
            for (_, application) in registry
                .applications
                .iter_mut()
                .filter(|(arn, _)| of_platform(arn))
            {
                application.disabled = !enabled;
                count += 1;
            }
            count
        })
    }

    fn each(&self, token: &str, change: impl Fn(&mut Registry, &str)) -> Result<usize, NotSaved> {
        self.registry.update(|registry| {
            let arns = registry.of_token(token);
            for arn in &arns {
                change(registry, arn);
            }
            arns.len()
        })
    }
}
