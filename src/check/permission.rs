//! One question to Google's Resource Manager: which of these permissions does the token's account hold in its project?
//!
//! It is asked as the command's clients would ask, through the same proxy and with the same trust. It sees what is granted
//! on the project and above it, in its folders and organisation; not what is granted on one bucket, secret or service.

pub mod roles;

use std::fmt;
use std::str::FromStr;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::json;
use url::Url;

use crate::check::api::{self, ApiError};
use crate::check::endpoint::{Exchange, OtherWay, Target};
use crate::check::metadata::Proven;
use crate::check::{Context, Evidence};
use crate::environment::{Environment, adc};
use crate::failure::{Failure, FailureKind, Phase};
use crate::log::Entry;
use crate::metadata::client::UNIVERSE;
use crate::metadata::verdict::Answer;
use crate::net::Progress;

/// gcloud's name for the Resource Manager, and the first label of its host.
const API: &str = "cloudresourcemanager";

/// The name of a permission, as `compute.instances.list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission(String);

impl Permission {
    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write SERVICE.RESOURCE.VERB, as `compute.instances.list`";
        let name = text.trim();
        if name.starts_with("roles/") {
            return Err(format!("a role, which cannot be asked for; {FORM}"));
        }
        if name.contains('*') {
            return Err(format!("permissions are named one by one; {FORM}"));
        }
        let is_part = |part: &str| {
            let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !part.is_empty() && part.bytes().all(is_fit)
        };
        match name.split('.').count() >= 3 && name.split('.').all(is_part) {
            true => Ok(Self(name.to_owned())),
            false => Err(format!("no permission; {FORM}")),
        }
    }
}

/// What the account must hold.
#[derive(Clone, Debug)]
pub struct Permissions {
    names: Vec<String>,
    base: Option<Url>,
    is_emulated: bool,
}

impl Permissions {
    /// Those of `names`, each once.
    ///
    /// # Errors
    /// What is wrong with gcloud's variable that moves the Resource Manager.
    pub fn new(
        names: &[Permission],
        environment: &Environment,
        is_emulated: bool,
    ) -> Result<Self, Entry> {
        let mut own: Vec<String> = Vec::new();
        for Permission(name) in names {
            if !own.contains(name) {
                own.push(name.clone());
            }
        }
        Ok(Self {
            names: own,
            base: api::overridden(API, environment)?,
            is_emulated,
        })
    }

    /// Why there is no sense in asking, where there is none.
    pub fn is_pointless(&self) -> Option<&'static str> {
        (self.is_emulated && self.base.is_none())
            .then_some("the emulated account is not known to the Resource Manager")
    }

    /// One attempt, with the token of `proven`.
    ///
    /// # Errors
    /// The failure of the step that failed, or what the Resource Manager denies.
    pub async fn attempt(
        &self,
        proven: &Proven,
        context: &Context,
        progress: &Progress,
    ) -> Result<Evidence, Failure> {
        let proof = &proven.proof;
        let project = adc::project(&context.environment).unwrap_or(&proof.project);
        let universe = api::universe(&context.environment)
            .or(proof.universe.as_deref())
            .unwrap_or(UNIVERSE);
        let target = self.target(
            universe,
            &["v3", "projects", &format!("{project}:testIamPermissions")],
        )?;
        let token = proof.token.text.reveal();
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| unusable("the token is no header's value"))?;
        bearer.set_sensitive(true);
        let json = HeaderValue::from_static("application/json");
        let exchange = Exchange {
            method: &Method::POST,
            headers: &[(AUTHORIZATION, bearer), (CONTENT_TYPE, json)],
            body: Bytes::from(json!({"permissions": self.names}).to_string()),
            wants_body: true,
        };
        let asked = target.ask(&exchange, &context.settings, &context.trust, progress);
        let (answer, reached) = asked.await?;
        let mut answer = api::marks(&answer);
        // Whoever answers may repeat what was sent.
        answer.body = answer.body.replace(token, "***");
        answer.location = answer.location.map(|place| place.replace(token, "***"));
        answer.server = answer.server.map(|name| name.replace(token, "***"));
        match judge(&self.names, &answer) {
            Ok(()) => Ok(Evidence::Permissions {
                count: self.names.len(),
                reached: Box::new(reached),
            }),
            Err(Judgement::Fault(fault)) => {
                let denial = Denial {
                    fault,
                    account: proof.account.email.clone(),
                    project: project.to_owned(),
                };
                let kind = FailureKind::Permission(Box::new(denial));
                Err(api::refused(kind, &answer, &target, reached))
            }
            Err(Judgement::Kind(kind)) => Err(api::refused(kind, &answer, &target, reached)),
        }
    }

    /// One attempt to reach the Resource Manager by the way that the environment does not say. No token is sent.
    pub async fn attempt_otherwise(&self, context: &Context) -> Option<OtherWay> {
        let universe = api::universe(&context.environment).unwrap_or(UNIVERSE);
        let target = self.target(universe, &["generate_204"]).ok()?;
        target
            .attempt_otherwise(&context.settings, &context.trust)
            .await
    }

    fn target(&self, universe: &str, path: &[&str]) -> Result<Target, Failure> {
        let mut url = match &self.base {
            Some(base) => base.clone(),
            None => api::https(&format!("{API}.{universe}"))
                .ok_or_else(|| unusable("the universe is no domain"))?,
        };
        url.path_segments_mut()
            .map_err(|()| unusable("the address of the Resource Manager has no path"))?
            .pop_if_empty()
            .extend(path);
        Target::from_str(url.as_str()).map_err(|why| unusable(&why))
    }
}

fn unusable(why: &str) -> Failure {
    Failure::new(Phase::Local, FailureKind::MetadataMalformed, why)
}

/// What the Resource Manager denies, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// What.
    pub fault: Fault,
    /// The account of the token.
    pub account: String,
    /// The project that was asked about.
    pub project: String,
}

/// What the Resource Manager denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The account does not hold these.
    Missing(Vec<String>),
    /// A permission that does not exist, or that no project can give (400). Google's words.
    Unknown(String),
    /// The token is not accepted (401). Google's words.
    TokenRefused(String),
    /// The token's scopes do not allow the question (403).
    ScopeLacking,
    /// The Resource Manager's API is switched off in this project (403).
    ApiDisabled(String),
    /// Any other denial: a policy of the organisation, a project that is not there (403, 404). Google's words.
    Denied(String),
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            fault,
            account,
            project,
        } = self;
        match fault {
            Fault::Missing(names) => {
                write!(
                    f,
                    "`{account}` lacks `{}` in project `{project}`",
                    names.join("`, `")
                )
            }
            Fault::Unknown(_) => f.write_str("does not know a permission of --require-permission"),
            Fault::TokenRefused(_) => write!(f, "does not accept the token of `{account}`"),
            Fault::ScopeLacking => {
                write!(
                    f,
                    "may not be asked with the scopes of the token of `{account}`"
                )
            }
            Fault::ApiDisabled(consumer) => write!(f, "is switched off in project `{consumer}`"),
            Fault::Denied(_) => write!(f, "denies to answer about project `{project}`"),
        }
    }
}

/// What an answer means.
#[derive(Debug, PartialEq)]
enum Judgement {
    Fault(Fault),
    Kind(FailureKind),
}

/// Judges what came back on the question for `names`.
fn judge(names: &[String], answer: &Answer) -> Result<(), Judgement> {
    if answer.status == 200
        && let Ok(serde_json::Value::Object(object)) = serde_json::from_str(&answer.body)
    {
        // Left out where it would be empty.
        let held = object.get("permissions").and_then(|held| held.as_array());
        let is_held = |name: &str| held.is_some_and(|held| held.iter().any(|one| one == name));
        let mut missing = names.to_vec();
        missing.retain(|name| !is_held(name));
        return match missing.is_empty() {
            true => Ok(()),
            false => Err(Judgement::Fault(Fault::Missing(missing))),
        };
    }
    let Some(error) = ApiError::read(&answer.body) else {
        return Err(Judgement::Kind(match (answer.status, api::judge(answer)) {
            (_, Err(kind)) => kind,
            (200..300, Ok(())) => FailureKind::NotGoogle,
            (status, Ok(())) => FailureKind::Status(status),
        }));
    };
    let said = shown(&error.message);
    let reason = error.info("reason").unwrap_or_default();
    Err(match answer.status {
        400 => Judgement::Fault(Fault::Unknown(said)),
        401 => Judgement::Fault(Fault::TokenRefused(said)),
        403 if reason == "SERVICE_DISABLED" || said.contains("it is disabled") => {
            let consumer = error.info("consumer").unwrap_or_default();
            let consumer = shown(consumer.trim_start_matches("projects/"));
            Judgement::Fault(Fault::ApiDisabled(consumer))
        }
        403 if reason == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
            || said.contains("insufficient authentication scopes") =>
        {
            Judgement::Fault(Fault::ScopeLacking)
        }
        403 | 404 => Judgement::Fault(Fault::Denied(said)),
        status => Judgement::Kind(FailureKind::Status(status)),
    })
}

/// Google's words, on one line and not too many.
fn shown(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(240)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_has_three_parts() {
        for good in ["compute.instances.list", " run.jobs.run ", "a.b.c.d"] {
            assert!(good.parse::<Permission>().is_ok(), "{good}");
        }
        for (bad, says) in [
            ("roles/compute.viewer", "a role"),
            ("storage.*", "one by one"),
            ("compute.instances", "no permission; write SERVICE"),
            ("a..b", "no permission"),
            ("", "no permission"),
        ] {
            let why = bad.parse::<Permission>().unwrap_err();
            assert!(why.contains(says), "{bad}: {why}");
        }
    }

    fn judged(status: u16, body: &str) -> Result<(), Judgement> {
        let names = ["run.jobs.run", "storage.objects.get"].map(str::to_owned);
        judge(
            &names,
            &Answer {
                status,
                body: body.to_owned(),
                ..Answer::default()
            },
        )
    }

    fn error(code: u16, message: &str, reason: &str) -> String {
        json!({"error": {"code": code, "message": message, "status": "X", "details": [
            {"@type": "type.googleapis.com/google.rpc.Help"},
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
             "domain": "googleapis.com", "metadata": {"consumer": "projects/123", "service": "x"}},
        ]}})
        .to_string()
    }

    #[test]
    fn what_the_resource_manager_says() {
        let fault = |fault| Err(Judgement::Fault(fault));
        let missing = |names: &[&str]| {
            fault(Fault::Missing(
                names.iter().map(|name| (*name).to_owned()).collect(),
            ))
        };
        for (status, body, judgement) in [
            (
                200,
                r#"{"permissions": ["storage.objects.get", "run.jobs.run"]}"#.to_owned(),
                Ok(()),
            ),
            (
                200,
                r#"{"permissions": ["run.jobs.run"]}"#.to_owned(),
                missing(&["storage.objects.get"]),
            ),
            (
                200,
                "{}".to_owned(),
                missing(&["run.jobs.run", "storage.objects.get"]),
            ),
            (
                400,
                error(400, "Permission run.job.run is not valid.", ""),
                fault(Fault::Unknown(
                    "Permission run.job.run is not valid.".into(),
                )),
            ),
            (
                401,
                error(401, "no", ""),
                fault(Fault::TokenRefused("no".into())),
            ),
            (
                403,
                error(403, "off", "SERVICE_DISABLED"),
                fault(Fault::ApiDisabled("123".into())),
            ),
            (
                403,
                error(403, "x", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
                fault(Fault::ScopeLacking),
            ),
            (
                403,
                error(403, "a\npolicy", "SECURITY_POLICY_VIOLATED"),
                fault(Fault::Denied("a policy".into())),
            ),
            (404, error(404, "no", ""), fault(Fault::Denied("no".into()))),
            (
                429,
                error(429, "slow down", ""),
                Err(Judgement::Kind(FailureKind::Status(429))),
            ),
            (
                503,
                "busy".to_owned(),
                Err(Judgement::Kind(FailureKind::Status(503))),
            ),
            (
                200,
                "<html><title>Login</title>".to_owned(),
                Err(Judgement::Kind(FailureKind::CaptivePage {
                    title: Some("Login".into()),
                })),
            ),
            (
                200,
                "[]".to_owned(),
                Err(Judgement::Kind(FailureKind::NotGoogle)),
            ),
            (
                403,
                "no".to_owned(),
                Err(Judgement::Kind(FailureKind::Status(403))),
            ),
        ] {
            assert_eq!(judged(status, &body), judgement, "{status} {body}");
        }
    }
}
