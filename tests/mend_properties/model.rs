//! What every client does after the mend, by the model of the clients: whatever the environment was.

use runup::environment::Environment;
use runup::environment::proxy::{Notice, Scheme, Settings, Unsteerable, Way, Wishes, mend};
use runup::route::{Because, Client, NOT_SERVED, ProxyScheme, Route, Steering, clients};
use url::Url;

const METADATA: [&str; 5] = [
    "http://metadata.google.internal/",
    "http://metadata.google.internal./",
    "http://metadata/",
    "http://169.254.169.254/",
    "http://[fd20:ce::254]/",
];

/// A host that no generated list names.
const ELSEWHERE: [&str; 2] = ["http://public.example.net/", "https://public.example.net/"];

/// wget2 1.99.1 opens TLS to an `http://` proxy for https URLs, whatever the variables say; and some do not decode
/// credentials, of which a notice tells.
fn is_broken(client: &Client, url: &Url, notices: &[Notice]) -> bool {
    let told = |of: fn(&Unsteerable) -> bool| {
        let is_such =
            |notice: &Notice| matches!(notice, Notice::UnsteerableClients(own) if of(own));
        notices.iter().any(is_such)
    };
    match client.name() {
        "wget2" => {
            url.scheme() == "https"
                || told(|own| matches!(own, Unsteerable::EncodedCredentials { .. }))
        }
        "git" => told(|own| matches!(own, Unsteerable::NoPassword { .. })),
        _ => false,
    }
}

fn is_steered(client: &Client) -> bool {
    client.steering() == Steering::Full
}

/// Every client that variables can steer reaches every spelling of the metadata server and every wished host directly,
/// and everything else by the proxy that was named; which it is not, a notice says.
pub(crate) fn check(before: &Environment, after: &Environment, wishes: &Wishes) {
    let settings = Settings::read(after);
    let notices = mend(before, wishes).notices;
    // Blocks of addresses are not for all clients, of which a notice tells.
    let wished = wishes.direct.iter().filter_map(|direct| {
        let entry = direct.to_string();
        match entry.strip_prefix('.') {
            Some(domain) => Some(format!("http://host.{domain}/")),
            None => (!entry.contains([',', '/', ':'])).then(|| format!("http://{entry}/")),
        }
    });
    for url in METADATA.map(str::to_owned).into_iter().chain(wished) {
        let parsed: Url = url.parse().unwrap();
        for client in clients().iter().filter(|client| is_steered(client)) {
            let is_excepted = NOT_SERVED.iter().any(|(other, names)| {
                url.trim_end_matches('/') == *other && names.contains(&client.name())
            });
            if is_excepted {
                continue;
            }
            let decision = client.decide(after, &parsed);
            assert!(
                decision.route == Route::Direct
                    || is_announced(&decision.route, &settings, &notices),
                "{} to {url}: {decision:?}",
                client.name()
            );
        }
    }
    for url in ELSEWHERE {
        let url: Url = url.parse().unwrap();
        let Way::Via { proxy, .. } = settings.way(&url) else {
            continue;
        };
        let both = [settings.http(), settings.https()];
        if both
            .iter()
            .flatten()
            .any(|proxy| proxy.scheme() != Scheme::Http)
        {
            // Named in a notice, client by client.
            assert!(
                notices.iter().any(|notice| matches!(
                    notice,
                    Notice::UnsteerableClients(
                        Unsteerable::Socks { .. } | Unsteerable::TlsProxy { .. }
                    )
                )),
                "{proxy}: {notices:?}"
            );
            continue;
        }
        for client in clients().iter().filter(|client| is_steered(client)) {
            // The user may have switched Node's reading of the variables off.
            if client.name().ends_with("(Node)") && after.text("NODE_USE_ENV_PROXY") != Some("1") {
                continue;
            }
            // The user named a proxy for it alone.
            if client.name() == "gRPC" && after.has("grpc_proxy") {
                continue;
            }
            let decision = client.decide(after, &url);
            let is_right = match &decision.route {
                Route::Via(way) => {
                    way.scheme == ProxyScheme::Http
                        && (way.port == proxy.port() || two_proxies(&notices))
                }
                Route::Unknown => true,
                Route::Fails(_) => is_broken(client, &url, &notices) || two_proxies(&notices),
                // apt, LWP and others take an entry for the end of a name, wherever that begins.
                Route::Direct => match &decision.because {
                    Some(Because::Entry { entry, .. }) => {
                        url.host_str().is_some_and(|host| host.ends_with(&**entry))
                    }
                    _ => false,
                },
            };
            assert!(
                is_right,
                "{} to {url}: {decision:?}, not {proxy}",
                client.name()
            );
        }
    }
}

/// Where http and https have a proxy each, some clients know only one of them.
fn two_proxies(notices: &[Notice]) -> bool {
    notices.iter().any(|notice| {
        matches!(
            notice,
            Notice::UnsteerableClients(Unsteerable::TwoProxies { .. })
        )
    })
}

/// A client that stops at a SOCKS or TLS proxy before it looks at the list is announced by a notice; what nobody
/// measured proves nothing.
fn is_announced(route: &Route, settings: &Settings, notices: &[Notice]) -> bool {
    match route {
        Route::Unknown => true,
        Route::Fails(_) => {
            let schemes = [settings.http(), settings.https()];
            schemes
                .iter()
                .flatten()
                .any(|proxy| proxy.scheme() != Scheme::Http)
                && notices
                    .iter()
                    .any(|notice| matches!(notice, Notice::UnsteerableClients(_)))
        }
        Route::Direct | Route::Via(_) => false,
    }
}
