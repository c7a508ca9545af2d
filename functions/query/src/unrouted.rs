//! Requests that no route is for, answered in the contract's shape.

use aws::{Failure, Reply};
use push::ApplicationId;

/// The routes of the contract below the application, each with its methods. A test holds them equal to the template's.
pub const ROUTES: [(&str, &str); 15] = [
    ("/init", "GET"),
    ("/devices", "GET, POST"),
    ("/devices/{deviceId}", "DELETE, GET, PUT"),
    ("/messages", "GET, POST"),
    ("/messages/bulk", "POST"),
    ("/messages/{messageId}", "DELETE, GET, PUT"),
    ("/messages/{messageId}/status", "GET"),
    ("/settings/gcmConfPublic", "GET"),
    ("/subscriptions", "DELETE, GET, POST"),
    ("/tags", "GET, POST"),
    ("/tags/{tagName}", "DELETE, GET, PUT"),
    ("/users", "DELETE"),
    ("/users/{userId}", "DELETE"),
    ("/webhooks", "GET, POST"),
    ("/webhooks/{webhookName}", "DELETE, GET, PUT"),
];

/// A path under another application, or of no route, is not found; a known path with another method is told which it has,
/// and one with a slash at its end, to which something is posted, is told the path without it.
/// OPTIONS is answered for browsers, to which the gateway adds its CORS headers.
///
/// # Errors
/// [`Failure::NotFound`], [`Failure::TrailingSlash`], [`Failure::MethodNotAllowed`].
pub fn answer(method: &str, path: &str, application: &ApplicationId) -> Result<Reply, Failure> {
    if method == "OPTIONS" {
        return Ok(Reply::empty(204));
    }
    let rest = below(path, application).unwrap_or_default();
    if let Some((_, methods)) = route(rest) {
        return Err(Failure::MethodNotAllowed(methods));
    }
    // Elsewhere an id is missing behind the slash: what stands before it is another route.
    let posted = Some(rest).filter(|_| method == "POST");
    match posted
        .and_then(|rest| rest.strip_suffix('/'))
        .and_then(route)
    {
        Some((template, methods)) if methods.ends_with("POST") => {
            Err(Failure::TrailingSlash(template))
        }
        _ => Err(Failure::NotFound),
    }
}

/// The route that a path below the application is of, with its methods.
fn route(path: &str) -> Option<(&'static str, &'static str)> {
    ROUTES
        .into_iter()
        .find(|(template, _)| fits(template, path))
}

/// What of a path stands below the application; nothing where it is another one's.
pub(crate) fn below<'a>(path: &'a str, application: &ApplicationId) -> Option<&'a str> {
    path.strip_prefix("/imfpush/v1/apps/")?
        .strip_prefix(application.as_str())
}

/// Whether a path has the form of a template: as many parts, equal but for the parameters, which are not empty.
fn fits(template: &str, path: &str) -> bool {
    let same = |(expected, part): (&str, &str)| {
        expected == part || (expected.starts_with('{') && !part.is_empty())
    };
    template.split('/').count() == path.split('/').count()
        && template.split('/').zip(path.split('/')).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(method: &str, path: &str) -> String {
        let application = ApplicationId::parse("app").unwrap();
        match answer(method, path, &application) {
            Ok(_) => "204".to_owned(),
            Err(Failure::MethodNotAllowed(methods)) => format!("405 {methods}"),
            Err(Failure::TrailingSlash(path)) => format!("404 {path}"),
            Err(failure) => failure.status().to_string(),
        }
    }

    #[test]
    fn a_known_path_tells_its_methods_and_any_other_is_not_found() {
        for (method, path, expected) in [
            (
                "PATCH",
                "/imfpush/v1/apps/app/devices/D1",
                "405 DELETE, GET, PUT",
            ),
            ("PUT", "/imfpush/v1/apps/app/devices", "405 GET, POST"),
            ("OPTIONS", "/imfpush/v1/apps/app/devices", "204"),
            ("PUT", "/imfpush/v1/apps/app/messages/bulk", "405 POST"),
            ("GET", "/imfpush/v1/apps/app/devices/", "404"),
            ("POST", "/imfpush/v1/apps/app/devices/", "404 /devices"),
            ("POST", "/imfpush/v1/apps/app/messages/", "404 /messages"),
            ("PUT", "/imfpush/v1/apps/app/devices/", "404"),
            ("POST", "/imfpush/v1/apps/app/devices//", "404"),
            (
                "POST",
                "/imfpush/v1/apps/app/messages/bulk/",
                "404 /messages/bulk",
            ),
            ("POST", "/imfpush/v1/apps/app/devices/D1/", "404"),
            ("POST", "/imfpush/v1/apps/other/devices/", "404"),
            ("GET", "/imfpush/v1/apps/app/devices/a/b", "404"),
            ("GET", "/imfpush/v1/apps/other/devices", "404"),
            ("GET", "/imfpush/v1/apps/application/devices", "404"),
            ("GET", "/imfpush/v1/apps/app", "404"),
            ("GET", "/", "404"),
            ("GET", "", "404"),
        ] {
            assert_eq!(answered(method, path), expected, "{method} {path}");
        }
    }
}
