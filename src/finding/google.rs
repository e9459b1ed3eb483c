//! The findings of Google's APIs: a host that is not reached or not Google's, a permission that is missing; and what a token
//! that is good may still lack.

use std::collections::BTreeMap;

use super::{Finding, Lines, Severity, lines, other};
use crate::check::Subject;
use crate::check::api::Vip;
use crate::check::permission::{Denial, Fault, roles};
use crate::exit_code::ExitCode;
use crate::failure::{Failure, FailureKind, Phase};
use crate::finding::code::Code;
use crate::metadata::client::Proof;
use crate::metadata::verdict::is_pool;
use crate::net::trace::{Range, Trace};

/// What a clock may be wrong by. One that is kept right is not wrong by a second; and clients throw a token away 225
/// seconds before its end, so that by the time this becomes four minutes they would use dead ones.
const CLOCK_TOLERANCE: u64 = 60;

/// The metadata server hands out a token until so many seconds before its end; one with less is not renewed.
const LAST_OF_TOKEN: u64 = 240;

/// The scope that stands for all of Google Cloud, so that roles alone decide.
const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Code, exit code, meaning and help of a failure of `subject`, which is on Google's side.
pub(super) fn of(subject: &Subject, failure: &Failure) -> (Code, ExitCode, Lines, Lines) {
    match &failure.kind {
        FailureKind::Permission(denial) => denied(denial),
        FailureKind::NameUnknown => (
            Code::ApiUnknownName,
            ExitCode::Unavailable,
            lines([
                "the public DNS knows the hosts of Google's APIs; so a private zone for `googleapis.com` hides this one, or the resolver here knows no public names.",
            ]),
            lines([
                "network team: in the private zone of `googleapis.com`, `*` must be a CNAME of private.googleapis.com, and that an A record of 199.36.153.8/30",
                "job owner: if the proxy alone resolves public names, set https_proxy, and take `googleapis.com` out of NO_PROXY and --direct",
            ]),
        ),
        FailureKind::Refused | FailureKind::Unreachable => unreachable(&failure.trace),
        FailureKind::TimedOut if failure.phase <= Phase::Connect => unreachable(&failure.trace),
        FailureKind::ProxyDenied(_)
        | FailureKind::ProxyCannotReach(_)
        | FailureKind::ProxyAuthentication { .. } => {
            let (code, exit, means, mut help) = other(subject, failure);
            help.retain(|line| !line.starts_with("if the host is internal"));
            help.push(
                "or past the proxy: job owner: --direct .googleapis.com; network team: Private Google Access on the job's subnet".to_owned(),
            );
            (code, exit, means, help)
        }
        FailureKind::Intercepted { .. }
        | FailureKind::CaptivePage { .. }
        | FailureKind::Redirected { .. }
        | FailureKind::NotGoogle => (
            Code::ApiNotGoogle,
            ExitCode::Unavailable,
            lines([
                "the host was reached, but what answered is not Google: a proxy that opens TLS, a filter or a login page stands in its place.",
            ]),
            lines([
                "proxy team: let `.googleapis.com` pass unopened",
                "network team: compare what the name resolves to here and elsewhere",
            ]),
        ),
        _ => other(subject, failure),
    }
}

/// An API's host that is not connected to, by the range of its addresses.
fn unreachable(trace: &Trace) -> (Code, ExitCode, Lines, Lines) {
    let mut means = lines([
        "nothing lets the job's packets through to Google's APIs; the service account and its roles are not yet asked for.",
    ]);
    let vip = trace.addresses.iter().find_map(|one| Vip::of(*one));
    let has = |range| trace.addresses.iter().any(|one| Range::of(*one) == range);
    means.extend(match vip {
        Some(vip) => Some(format!(
            "The address is one of {} ({}): it is reached from a VPC alone, with Private Google Access on the subnet and a route for it to the default internet gateway.",
            vip.name(),
            vip.block()
        )),
        None if has(Range::Private) => Some(
            "The address is private: a Private Service Connect endpoint, or a wrong record in a private zone of `googleapis.com`.".to_owned(),
        ),
        None if has(Range::Public) => Some(
            "The address is public: with --vpc-egress=all-traffic it is reached by Private Google Access, Cloud NAT or a proxy alone.".to_owned(),
        ),
        None => None,
    });
    let help = lines([
        "network team: gcloud compute networks subnets update SUBNET --region=REGION --enable-private-ip-google-access",
        "job owner: --vpc-egress=private-ranges-only, if DNS gives the public addresses; or https_proxy, if a proxy is the way out",
    ]);
    (Code::ApiUnreachable, ExitCode::Unavailable, means, help)
}

/// What the Resource Manager denies.
fn denied(denial: &Denial) -> (Code, ExitCode, Lines, Lines) {
    let Denial {
        fault,
        account,
        project,
    } = denial;
    match fault {
        Fault::Missing(names) => {
            let mut means = lines([
                "the project and what stands above it were asked: a grant on one bucket, secret or service alone is not seen. Where that is meant, take the name out of --require-permission.",
            ]);
            let (by_role, unknown) = by_role(names);
            for (role, names) in &by_role {
                means.push(format!("{role} usually carries `{}`.", names.join("`, `")));
            }
            let mut help: Lines = by_role
                .keys()
                .map(|role| format!("project owner: {}", grant(project, account, role)))
                .collect();
            for service in unknown {
                help.push(format!(
                    "project owner: see which role carries it: gcloud iam list-grantable-roles //cloudresourcemanager.googleapis.com/projects/{project} --filter=name:roles/{service}"
                ));
            }
            (Code::PermissionMissing, ExitCode::Denied, means, help)
        }
        Fault::Unknown(said) => (
            Code::PermissionUnknown,
            ExitCode::Configuration,
            vec![
                format!("Google says: `{said}`"),
                "the name is misspelt, or stands for something that a project cannot give, only an organisation or folder.".to_owned(),
            ],
            vec![format!(
                "job owner: gcloud iam list-testable-permissions //cloudresourcemanager.googleapis.com/projects/{project} lists those that can be asked for"
            )],
        ),
        Fault::TokenRefused(said) => (
            Code::PermissionTokenRefused,
            ExitCode::Denied,
            vec![
                format!("Google says: `{said}`"),
                "the metadata server gave this token, and Google's API does not take it: the account is disabled or deleted, the token is emulated, or of another universe.".to_owned(),
            ],
            vec![format!(
                "project owner: gcloud iam service-accounts describe {account}"
            )],
        ),
        Fault::ScopeLacking => (
            Code::IdentityScopes,
            ExitCode::Denied,
            lines([
                "the instance's scopes narrow the token, whatever roles the account has. No grant changes that.",
            ]),
            lines([
                "GCE: gcloud compute instances set-service-account INSTANCE --zone=ZONE --scopes=cloud-platform, while it is stopped",
            ]),
        ),
        Fault::ApiDisabled(consumer) => {
            let consumer = match consumer.is_empty() {
                true => project,
                false => consumer,
            };
            (
                Code::PermissionApiDisabled,
                ExitCode::Denied,
                lines([
                    "the question could not be put; nothing is known of the permissions. It must be on in the project that the service account belongs to.",
                ]),
                vec![format!(
                    "project owner: gcloud services enable cloudresourcemanager.googleapis.com --project={consumer}"
                )],
            )
        }
        Fault::Denied(said) => (
            Code::PermissionDenied,
            ExitCode::Denied,
            vec![
                format!("Google says: `{said}`"),
                "the question itself needs no role; so a policy of the organisation or a service perimeter denies it, or there is no such project.".to_owned(),
            ],
            vec![
                format!("job owner: see whether `{project}` is the project that is meant (GOOGLE_CLOUD_PROJECT)"),
                "organisation's administrator: let the perimeter of VPC Service Controls admit cloudresourcemanager.googleapis.com for this account".to_owned(),
            ],
        ),
    }
}

/// `names` by the role that usually carries them; and the services of those that no role is known for.
fn by_role(names: &[String]) -> (BTreeMap<&'static str, Vec<&str>>, Vec<&str>) {
    let mut by_role: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut unknown = Vec::new();
    for name in names {
        match roles::of(name) {
            Some(role) => by_role.entry(role).or_default().push(name),
            None => {
                let service = name.split('.').next().unwrap_or(name);
                if !unknown.contains(&service) {
                    unknown.push(service);
                }
            }
        }
    }
    (by_role, unknown)
}

/// The command that grants. Without a condition, so that it does not ask where the policy has some.
fn grant(project: &str, account: &str, role: &str) -> String {
    let member = match is_pool(account) {
        true => format!(
            "principal://iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/{account}/subject/ns/NAMESPACE/sa/KSA"
        ),
        false => format!("serviceAccount:{account}"),
    };
    format!(
        "gcloud projects add-iam-policy-binding {project} --member={member} --role={role} --condition=None"
    )
}

/// What a metadata server that passed still shows to be wrong.
pub fn of_proof(proof: &Proof) -> Vec<Finding> {
    let scopes = &proof.account.scopes;
    let lacks_scope = !scopes.is_empty() && !scopes.iter().any(|scope| scope == CLOUD_PLATFORM);
    let mut found = Vec::new();
    if lacks_scope {
        let short: Vec<&str> = scopes
            .iter()
            .map(|scope| scope.rsplit('/').next().unwrap_or(scope))
            .collect();
        found.push(Finding {
            saw: format!("scopes: {}", short.join(", ")),
            means: lines([
                "whatever roles the account has, its tokens open these alone; other APIs answer 403 `insufficient authentication scopes`.",
            ]),
            ..warning(
                Code::IdentityScopes,
                "gives tokens without the scope `cloud-platform`".to_owned(),
                "GCE: gcloud compute instances set-service-account INSTANCE --zone=ZONE --scopes=cloud-platform, while it is stopped",
            )
        });
    }
    if proof.token.seconds < LAST_OF_TOKEN {
        found.push(Finding {
            saw: format!("expires_in: {}", proof.token.seconds),
            means: lines([
                "the server renews a token four minutes before its end, and has not: clients ask for a new one with every call, and a long call may outlive it.",
            ]),
            ..warning(
                Code::IdentityTokenEndsSoon,
                format!("gave a token that ends in {} s", proof.token.seconds),
                "if it stays so: whoever runs the metadata server or its emulator: see why it does not renew",
            )
        });
    }
    found.extend(proof.ahead.and_then(of_clock));
    found
}

/// The finding of a clock that is `ahead` of Google's by so many seconds, or behind where it is negative.
pub fn of_clock(ahead: i64) -> Option<Finding> {
    let by = ahead.unsigned_abs();
    if by <= CLOCK_TOLERANCE {
        return None;
    }
    let side = match ahead > 0 {
        true => "ahead of",
        false => "behind",
    };
    Some(Finding {
        subject: "clock".to_owned(),
        saw: format!("the `Date` of Google's answer, and the time here: {by} s apart"),
        means: lines([
            "signed requests and identity tokens are refused, certificates seem expired or not yet valid, and clients keep tokens beyond their end.",
        ]),
        ..warning(
            Code::IdentityClockSkew,
            format!("is {by} s {side} Google's"),
            "whoever runs the machine: a container has its machine's clock; let it follow metadata.google.internal by NTP",
        )
    })
}

fn warning(code: Code, summary: String, help: &str) -> Finding {
    Finding {
        phase: Phase::Response,
        attempts: 1,
        exit: ExitCode::Denied,
        ..Finding::of_environment(
            code,
            Severity::Warning,
            "metadata server",
            summary,
            help.to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn denial(fault: Fault) -> Denial {
        Denial {
            fault,
            account: "mgmt@p.iam.gserviceaccount.com".to_owned(),
            project: "p".to_owned(),
        }
    }

    #[test]
    fn missing_permissions_are_granted_role_by_role() {
        let names = [
            "storage.objects.get",
            "livestream.inputs.get",
            "storage.objects.list",
            "livestream.channels.start",
        ];
        let fault = Fault::Missing(names.map(str::to_owned).to_vec());
        let (code, exit, means, help) = denied(&denial(fault));
        assert_eq!((code, exit), (Code::PermissionMissing, ExitCode::Denied));
        assert_eq!(
            means[1],
            "roles/storage.objectViewer usually carries `storage.objects.get`, `storage.objects.list`."
        );
        assert_eq!(
            help,
            [
                "project owner: gcloud projects add-iam-policy-binding p --member=serviceAccount:mgmt@p.iam.gserviceaccount.com --role=roles/storage.objectViewer --condition=None",
                "project owner: see which role carries it: gcloud iam list-grantable-roles //cloudresourcemanager.googleapis.com/projects/p --filter=name:roles/livestream",
            ]
        );
    }

    #[test]
    fn a_pool_of_workload_identities_is_granted_to_by_principal() {
        let command = grant("p", "p.svc.id.goog", "roles/run.viewer");
        assert!(
            command.contains("workloadIdentityPools/p.svc.id.goog/subject/ns/NAMESPACE/sa/KSA")
        );
        assert!(!command.contains("serviceAccount:"));
    }

    #[test]
    fn the_clock_may_be_wrong_by_a_minute() {
        for (ahead, says) in [
            (0, None),
            (60, None),
            (-60, None),
            (61, Some("is 61 s ahead of Google's")),
            (-3600, Some("is 3600 s behind Google's")),
        ] {
            let summary = of_clock(ahead).map(|finding| finding.summary);
            assert_eq!(summary.as_deref(), says, "{ahead}");
        }
    }

    #[test]
    fn an_address_tells_which_way_it_is_reached() {
        for (address, says) in [
            ("199.36.153.9", "private.googleapis.com (199.36.153.8/30)"),
            (
                "199.36.153.5",
                "restricted.googleapis.com (199.36.153.4/30)",
            ),
            ("10.1.2.3", "Private Service Connect"),
            ("142.250.74.10", "Cloud NAT"),
        ] {
            let trace = Trace {
                addresses: vec![address.parse::<IpAddr>().unwrap()],
                ..Trace::default()
            };
            let (code, _, means, _) = unreachable(&trace);
            assert_eq!(code, Code::ApiUnreachable);
            assert!(means[1].contains(says), "{means:?}");
        }
    }
}
