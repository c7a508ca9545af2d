//! By which name our requests to AWS go.

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::disable_interceptor;

/// Names Userpush and its version in each request, where `CloudTrail` shows it, and nothing else of who asks: what the SDK
/// tells of itself, of its platform, of each call and attempt is put together anew for every request, and signed with it.
#[derive(Debug)]
pub(crate) struct Agent;

const NAME: &str = concat!("userpush/", env!("CARGO_PKG_VERSION"));

impl Intercept for Agent {
    fn name(&self) -> &'static str {
        "Agent"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let state = config.interceptor_state();
        state.store_put(disable_interceptor::<UserAgentInterceptor>("this one"));
        state.store_put(disable_interceptor::<InvocationIdInterceptor>("unread"));
        state.store_put(disable_interceptor::<RequestInfoInterceptor>("unread"));
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context
            .request_mut()
            .headers_mut()
            .try_insert("user-agent", NAME)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::config::{Builder, Credentials, Region};
    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_request_names_the_program_and_not_the_sdk() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let config = Builder::new()
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .interceptor(Agent);
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        let heard = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut lines = BufReader::new(stream).lines();
            let mut agents = Vec::new();
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.is_empty() {
                    break;
                }
                if ["user-agent:", "amz-sdk-"]
                    .iter()
                    .any(|name| line.contains(name))
                {
                    agents.push(line);
                }
            }
            agents
        };
        // Nobody answers it.
        let (agents, _) = tokio::join!(heard, client.list_tables().send());
        assert_eq!(agents, [format!("user-agent: {NAME}")]);
    }
}
