//! The findings of what keeps Google's clients from the service account of the metadata server.

use super::{Finding, Severity};
use crate::environment::adc::traps::{Holder, Trap};
use crate::finding::code::Code;

/// The finding of `trap`, where the metadata server gives `account`.
pub fn of_trap(trap: &Trap, account: Option<&str>) -> Finding {
    let own = account.map_or("the service account".to_owned(), |own| format!("`{own}`"));
    let own_name = account.unwrap_or("ACCOUNT");
    let whose = |holder: &Holder| match &holder.account {
        Some(account) => format!("`{account}`"),
        None => format!("the `{}` in it", holder.kind),
    };
    let (code, subject, summary, means, help) = match trap {
        Trap::Shadowed(holder) => (
            Code::AdcShadowed,
            "GOOGLE_APPLICATION_CREDENTIALS",
            format!("lets the libraries act as {}, not as {own}", whose(holder)),
            format!(
                "Google's client libraries and Terraform take the file ({}) before they ask the metadata server. gcloud does not read it, and acts as {own}.",
                holder.kind
            ),
            "job owner: gcloud run jobs update JOB --remove-env-vars=GOOGLE_APPLICATION_CREDENTIALS, unless it is meant".to_owned(),
        ),
        Trap::WellKnownFile { path, holder } => (
            Code::AdcWellKnownFile,
            "application default credentials",
            format!(
                "`{}` lets the libraries act as {}, not as {own}",
                path.display(),
                whose(holder)
            ),
            format!(
                "the libraries take this file ({}), left by `gcloud auth application-default login`, before they ask the metadata server.",
                holder.kind
            ),
            format!("image owner: remove `{}`, and take its credentials for leaked", path.display()),
        ),
        Trap::GcloudAccount {
            account,
            by,
            is_stored,
        } => (
            Code::AdcGcloudAccount,
            "gcloud's configuration",
            format!("names the account `{account}`, not {own}"),
            match is_stored {
                true => format!("{by} says so, and gcloud has stored credentials for it: gcloud acts as `{account}`, the libraries as {own}."),
                false => format!("{by} says so, but gcloud has no credentials for it: it says that the account `does not have any valid credentials`, though {own} is there."),
            },
            match by.starts_with('`') {
                true => "job owner: gcloud run jobs update JOB --remove-env-vars=CLOUDSDK_CORE_ACCOUNT".to_owned(),
                false => "image owner: gcloud config unset account; or set CLOUDSDK_ACTIVE_CONFIG_NAME=NONE".to_owned(),
            },
        ),
        Trap::StoredCredentials { path, accounts } => (
            Code::AdcStoredCredentials,
            "gcloud's store",
            format!("holds credentials of `{}`", accounts.join("`, `")),
            format!("they came into `{}` by `gcloud auth login` or `activate-service-account`; whoever has the image has them. {own} needs none.", path.display()),
            "image owner: build without them, and take them for leaked; gcloud auth revoke ends them".to_owned(),
        ),
        Trap::AccessToken(variables) => (
            Code::AdcAccessToken,
            "access token",
            format!("`{}` is set", variables.join("`, `")),
            format!("its clients (gcloud, or Terraform) use that one token, which ends within the hour and may be anybody's, and never ask for one of {own}."),
            format!("job owner: gcloud run jobs update JOB --remove-env-vars={}", variables.join(",")),
        ),
        Trap::GcloudKeyFile => (
            Code::AdcGcloudKeyFile,
            "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
            format!("lets gcloud act by a file of credentials, not as {own}"),
            format!("gcloud takes it before any account; the libraries do not read the variable, and act as {own}."),
            "job owner: gcloud run jobs update JOB --remove-env-vars=CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE, unless it is meant".to_owned(),
        ),
        Trap::Impersonation { variable, account } => (
            Code::AdcImpersonation,
            *variable,
            format!("lets its client act as `{account}`"),
            format!("{own} must hold roles/iam.serviceAccountTokenCreator on that account. The libraries do not read the variable."),
            format!("job owner: gcloud iam service-accounts add-iam-policy-binding {account} --member=serviceAccount:{} --role=roles/iam.serviceAccountTokenCreator", own_name),
        ),
        Trap::MetadataDetection { setting, effect } => (
            Code::AdcMetadataDetection,
            "metadata server",
            format!("is kept from clients by `{setting}`"),
            format!("{effect}, though it has answered."),
            format!(
                "job owner: gcloud run jobs update JOB --remove-env-vars={}",
                setting.split('=').next().unwrap_or(setting)
            ),
        ),
        Trap::MetadataAddress { settings } => (
            Code::AdcMetadataAddress,
            "metadata server",
            "is not the same for all clients".to_owned(),
            format!("`{}`: gcloud's detection reads ROOT, Go, Java, Ruby and .NET read HOST, Node reads IP first; so they ask different servers.", settings.join("`, `")),
            "job owner: on Google Cloud unset all three; elsewhere set them to one HOST:PORT".to_owned(),
        ),
        Trap::Home(why) => (
            Code::AdcHome,
            "HOME",
            why.clone(),
            "gcloud gets a directory of its own from runup (CLOUDSDK_CONFIG); gsutil, bq, npm, pip and others keep their state in HOME and fail or complain.".to_owned(),
            "image owner: ENV HOME=/tmp, or a directory that the user may write".to_owned(),
        ),
    };
    Finding {
        means: vec![means],
        ..Finding::of_environment(
            code,
            match trap.is_warning(account) {
                true => Severity::Warning,
                false => Severity::Note,
            },
            subject,
            summary,
            help,
        )
    }
}
