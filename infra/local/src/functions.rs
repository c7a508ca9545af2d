//! The functions of the template, found by the names of their binaries.

use crate::Error;
use crate::cloud::Cloud;
use crate::environments::{Environments, Recipe};
use crate::template;
use aws::{Function, Worker};
use deliver::Deliver;
use feedback::Feedback;
use init::Init;
use notify::Notify;
use query::Query;
use register::Register;
use rotate::Rotate;
use send::Sender;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tags::Tags;
use unregister::Unregister;
use webhooks::Webhooks;

/// Starts each function; they go by their logical names.
///
/// # Errors
/// A binary that is not part of this program; what keeps a function from starting.
pub async fn start(
    functions: &[template::Function],
    cloud: &Cloud,
) -> Result<BTreeMap<String, Arc<Environments>>, Error> {
    let mut started = BTreeMap::new();
    for function in functions {
        let recipe = Recipe {
            name: function.resource.clone(),
            environment: function.environment.clone(),
            timeout: function.timeout,
            endpoint_url: cloud.endpoint_url(),
            outside: cloud.outside(),
            clock: cloud.clock(),
            metrics: cloud.metrics(),
        };
        let environments = match function.binary.as_str() {
            Init::NAME => Environments::serve::<Init>(recipe).await,
            Query::NAME => Environments::serve::<Query>(recipe).await,
            Register::NAME => Environments::serve::<Register>(recipe).await,
            Sender::NAME => Environments::serve::<Sender>(recipe).await,
            Tags::NAME => Environments::serve::<Tags>(recipe).await,
            Unregister::NAME => Environments::serve::<Unregister>(recipe).await,
            Webhooks::NAME => Environments::serve::<Webhooks>(recipe).await,
            Deliver::NAME => Environments::work::<Deliver>(recipe).await,
            Feedback::NAME => Environments::work::<Feedback>(recipe).await,
            Notify::NAME => Environments::work::<Notify>(recipe).await,
            // Secrets Manager would call it; the one here makes a new version when it is told to.
            Rotate::NAME => Environments::work::<Rotate>(recipe).await,
            binary => Err(format!("there is no binary {binary} here").into()),
        };
        let environments = environments
            .map_err(|error| format!("{} does not start: {error}", function.resource))?;
        started.insert(function.resource.clone(), Arc::new(environments));
    }
    Ok(started)
}

/// The SNS platform applications that the functions are told of.
pub fn platform_applications(functions: &[template::Function]) -> Vec<String> {
    let variables = ["FCM_APPLICATION_ARN", "APNS_APPLICATION_ARN"];
    let told = functions
        .iter()
        .flat_map(|function| variables.map(|name| function.environment.get(name)));
    let arns: BTreeSet<_> = told
        .flatten()
        .filter(|arn| !arn.is_empty())
        .cloned()
        .collect();
    arns.into_iter().collect()
}
