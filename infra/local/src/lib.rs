//! Userpush on one machine in one process: the functions behind a gateway made of `template.yaml`, on a local AWS. It is
//! for development and tests: whoever reaches it may log in as anyone.

pub mod cloud;
mod environments;
mod functions;
mod gateway;
mod host;
mod info;
mod issuer;
mod options;
mod server;
mod sources;
mod template;

pub use options::Options;

use axum::body::Body;
use axum::response::{IntoResponse, Json};
use cloud::{Cloud, CloudOptions};
use gateway::Gateway;
use host::Hosts;
use info::Info;
use issuer::Issuer;
use lambda_http::http::{Response, StatusCode};
use serde_json::json;
use sources::Sources;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use template::Template;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, spawn_blocking};

/// Why the system does not start.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The running system. It stops when this is dropped.
pub struct Local {
    base_url: String,
    application: String,
    /// The variables of each function, by its logical name.
    environments: BTreeMap<String, BTreeMap<String, String>>,
    server: AbortHandle,
    /// Dropped, it ends them.
    _sources: Sources,
}

const TEMPLATE: &str = include_str!("../../../template.yaml");
/// Where the control surface is.
const CONTROL: &str = "/_local/";
const AUDIENCE: &str = "userpush";

impl Local {
    /// Starts the system on the present runtime, which has to have several threads. When it returns, it serves.
    ///
    /// # Errors
    /// An option or a parameter that is wrong, an address that is taken, a function that does not start.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let listener = TcpListener::bind((options.listen.as_str(), options.port))
            .await
            .map_err(|error| {
                format!(
                    "cannot listen on {} port {}: {error}",
                    options.listen, options.port
                )
            })?;
        let bound = listener.local_addr()?;
        let base_url = format!("http://{}", reachable(bound));
        let issuer_url = format!("{base_url}{}", issuer::PATH);
        let mut template = Template::read(
            TEMPLATE,
            &machine(&issuer_url, &options),
            &options.parameter_overrides,
        )?;
        let api = template.api()?;
        if api
            .authorizers
            .values()
            .any(|authorizer| authorizer.issuer != issuer_url)
        {
            return Err(format!("the only issuer here is {issuer_url}").into());
        }
        let key = spawn_blocking(|| Issuer::new(issuer_url));
        let hosts = host::allowed(&options.allow_host);
        let secrets = template.secrets()?;
        let names: Vec<_> = secrets
            .iter()
            .map(|secret| (secret.resource.clone(), secret.spec.key.clone()))
            .collect();
        let cloud = Cloud::start(CloudOptions {
            address: SocketAddr::new(bound.ip(), options.aws_port),
            data: options.data,
            dynamodb: options.dynamodb,
            table: template.table()?,
            applications: functions::platform_applications(&template.functions()?),
            secrets: secrets.into_iter().map(|secret| secret.spec).collect(),
            hosts: hosts.clone(),
            webhooks_to: options.webhooks_to,
        })
        .await?;
        template.check_visibility()?;
        for queue in template.queues()? {
            cloud.create_queue(queue)?;
        }
        for queue in template.subscribed_queues()? {
            cloud.subscribe(queue);
        }
        for (resource, key) in names {
            let id = cloud.secret_id(&key).ok_or("a secret without an id")?;
            template.name(&resource, &id);
        }
        let deployed = template.functions()?;
        let info = Info::new(&deployed, &api, &base_url, cloud.clone())?;
        let application = info.application().to_owned();
        let functions = functions::start(&deployed, &cloud).await?;
        let sources = Sources::start(&deployed, &functions, &cloud);
        let environments = deployed
            .into_iter()
            .map(|function| (function.resource, function.environment))
            .collect();
        let issuer = Arc::new(key.await??);
        let audience = api
            .authorizers
            .values()
            .find_map(|authorizer| authorizer.audience.first());
        let audience = audience.cloned().unwrap_or_default();
        let gateway = Gateway::new(
            api,
            functions,
            issuer.keys(),
            bound.port(),
            cloud.clock(),
            options.limits,
        )?;
        let control = cloud
            .control()
            .merge(info.router())
            .merge(sources.router())
            .merge(gateway.router())
            .merge(issuer.router(audience, cloud.clock()));
        let hosts = Hosts::new(&options.listen, bound.ip(), hosts);
        let server = tokio::spawn(server::serve(
            listener,
            server::router(control, gateway, hosts),
        ));
        Ok(Self {
            base_url,
            application,
            environments,
            server: server.abort_handle(),
            _sources: sources,
        })
    }

    /// Where it is: scheme, host and port.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The application id in every path.
    #[must_use]
    pub fn application(&self) -> &str {
        &self.application
    }

    /// The environment variables that the template gives a function, by its logical name: for one that runs as a process
    /// of its own. `None` where there is no such function.
    #[must_use]
    pub fn environment(&self, function: &str) -> Option<&BTreeMap<String, String>> {
        self.environments.get(function)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The parameters of the template that differ on this machine: it has no default, or something else exists here.
fn machine<'a>(issuer: &'a str, options: &Options) -> Vec<(&'static str, &'a str)> {
    let mut parameters = vec![
        ("IssuerUrl", issuer),
        ("Audience", AUDIENCE),
        ("ApplicationId", "userpush"),
        (
            "FcmApplicationArn",
            "arn:aws:sns:us-east-1:000000000000:app/GCM/userpush",
        ),
        (
            "ApnsApplicationArn",
            "arn:aws:sns:us-east-1:000000000000:app/APNS/userpush",
        ),
        ("FcmSenderId", "123456789012"),
    ];
    if options.webhooks_to.is_some() {
        parameters.push(("Webhooks", "true"));
    }
    parameters
}

/// The address under which this machine reaches what listens on `bound`.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = if bound.ip().is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        bound.ip()
    };
    SocketAddr::new(ip, bound.port())
}

/// An answer with nothing but a message, in API Gateway's shape.
fn answer(status: StatusCode, message: &str) -> Response<Body> {
    (status, Json(json!({ "message": message }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_runs_here_with_the_parameters_of_this_machine() {
        let machine = machine("http://i", &Options::default());
        let template = Template::read(TEMPLATE, &machine, &[]).unwrap();
        let api = template.api().unwrap();
        assert!(api.routes.iter().any(|route| route.key == "$default"));
        assert!(
            api.authorizers
                .values()
                .all(|authorizer| authorizer.issuer == "http://i")
        );
        assert_eq!(template.secrets().unwrap().len(), 2);
        assert_eq!(template.queues().unwrap().len(), 7);
        assert_eq!(
            template.subscribed_queues().unwrap(),
            ["userpush-FeedbackQueue"]
        );
        assert!(template.table().unwrap().ttl_attribute.is_some());
        for function in template.functions().unwrap() {
            assert!(aws::Settings::read(|name| function.environment.get(name).cloned()).is_ok());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_function_tells_its_environment_by_its_logical_name() {
        let options = Options {
            port: 0,
            ..Options::default()
        };
        let local = Local::start(options).await.unwrap();
        let environment = local.environment("RotateFunction").unwrap();
        let settings = aws::Settings::read(|name| environment.get(name).cloned()).unwrap();
        assert_eq!(settings.application.as_str(), local.application());
        assert_eq!(local.environment("NoFunction"), None);
    }
}
