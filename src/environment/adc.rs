//! The variables by which Google's clients find credentials, project, region and metadata server: what is wrong with
//! the user's, and what to fill in where the user gave none.
//!
//! The clients do not read the same variables, nor in the same order. A variable is filled in only where no client
//! would thereby be talked out of what the user chose by one of its siblings.

pub mod traps;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::environment::{Edit, Environment};
use crate::gcloud::ConfigDirectory;

/// The key file that application default credentials read before they ask the metadata server.
const KEY_FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// The kinds of key file that Google's libraries know.
const KNOWN_TYPES: [&str; 6] = [
    "service_account",
    "authorized_user",
    "external_account",
    "impersonated_service_account",
    "external_account_authorized_user",
    "gdch_service_account",
];

/// Why the key file in GOOGLE_APPLICATION_CREDENTIALS is of no use. Every client fails on it; none falls back to the
/// metadata server. Nothing of the file's content is ever shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsFault {
    /// There is no such file.
    #[error("`{KEY_FILE}` names `{}`, which does not exist", path.display())]
    Missing {
        /// The file, from the root.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("`{KEY_FILE}` names `{}`, which cannot be read: {why}", path.display())]
    Unreadable {
        /// The file, from the root.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// It is not a key file.
    #[error("`{KEY_FILE}` names `{}`, which is no key file: {why}", path.display())]
    Invalid {
        /// The file, from the root.
        path: PathBuf,
        /// What it is not.
        why: String,
    },
    /// The variable holds the key itself, which is not repeated here.
    #[error("`{KEY_FILE}` holds a key, where the name of a file is expected")]
    KeyItself,
}

impl CredentialsFault {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::Unreadable { .. } => {
                "unset it to use the metadata server's credentials, or mount the key file there, readable by this user"
            }
            Self::Invalid { .. } => {
                "unset it to use the metadata server's credentials, or name a key file as Google issued it"
            }
            Self::KeyItself => {
                "unset it to use the metadata server's credentials, or write the key to a file and name the file; \
                 take the key for leaked where the environment is logged"
            }
        }
    }
}

/// Judges GOOGLE_APPLICATION_CREDENTIALS: an edit that takes it out where it is empty, a fault where its file is of no
/// use. A relative name starts at `cwd`; `read` gives the file's bytes, or `None` for what is not to be read (a pipe).
pub fn credentials(
    environment: &Environment,
    cwd: &Path,
    read: impl FnOnce(&Path) -> io::Result<Option<Vec<u8>>>,
) -> Result<Option<Edit>, CredentialsFault> {
    let Some(value) = environment.get(KEY_FILE) else {
        return Ok(None);
    };
    if is_blank(value) {
        return Ok(Some(Edit {
            variable: KEY_FILE.to_owned(),
            before: Some(value.to_owned()),
            after: None,
            why: "it is empty, which some clients take for the name of a file".to_owned(),
        }));
    }
    let path = cwd.join(value);
    match read(&path) {
        Ok(Some(bytes)) => match key_fault(&bytes) {
            Some(why) => Err(CredentialsFault::Invalid { path, why }),
            None => Ok(None),
        },
        Ok(None) => Ok(None),
        Err(_) if looks_like_a_key(value) => Err(CredentialsFault::KeyItself),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Err(CredentialsFault::Missing { path })
            }
            why => {
                let why = why.to_string();
                Err(CredentialsFault::Unreadable { path, why })
            }
        },
    }
}

/// Why `bytes` are no key file; `None` where they are one.
fn key_fault(bytes: &[u8]) -> Option<String> {
    if bytes.trim_ascii().is_empty() {
        return Some("it is empty".to_owned());
    }
    let json: serde_json::Value = match serde_json::from_slice(bytes) {
        Ok(json) => json,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            return Some(format!("it is not JSON (line {line}, column {column})"));
        }
    };
    let Some(key) = json.as_object() else {
        return Some("it is JSON, but not an object".to_owned());
    };
    match key.get("type").and_then(|kind| kind.as_str()) {
        Some(kind) if KNOWN_TYPES.contains(&kind) => None,
        Some(_) => Some("its `type` is none that Google's libraries know".to_owned()),
        None => Some("it has no `type`".to_owned()),
    }
}

/// Whether the value, which names no file, is the key: JSON, PEM, or either in base64.
fn looks_like_a_key(value: &OsStr) -> bool {
    let bytes = value.as_encoded_bytes().trim_ascii();
    bytes.starts_with(b"{") || bytes.contains(&b'\n') || bytes.len() > 255
}

/// What the metadata server answered, where it was asked and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// The project's ID.
    pub project: Option<String>,
    /// The region's bare name, see [`region_of`].
    pub region: Option<String>,
    /// The host, with its port where it is not 80, to name in the metadata variables: where `metadata.google.internal`
    /// did not resolve, but the address answered.
    pub by_ip: Option<String>,
}

/// The project, for the libraries: Python reads the first two in this order, Node in the other; Terraform reads the
/// third first, and gcloud's own variable last.
const PROJECT: [&str; 3] = ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GOOGLE_PROJECT"];

/// The project that the user chose by a variable, for the libraries or for gcloud.
pub fn project(environment: &Environment) -> Option<&str> {
    PROJECT
        .into_iter()
        .chain(["CLOUDSDK_CORE_PROJECT"])
        .find_map(|name| environment.filled(name))
        .map(str::trim)
}

/// The region. Terraform reads the second, the third, then gcloud's own variable.
const REGION: [&str; 3] = ["GOOGLE_CLOUD_REGION", "GOOGLE_REGION", "GCLOUD_REGION"];

/// The zone, against which gcloud and Terraform weigh the region.
const ZONE: [&str; 3] = ["CLOUDSDK_COMPUTE_ZONE", "GOOGLE_ZONE", "GCLOUD_ZONE"];

/// Where the metadata server is: no client reads all three, and some only one.
const METADATA: [&str; 3] = ["GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"];

/// Fills in project, region and metadata server where the user chose none. What the user chose in one variable, or in
/// gcloud's configuration, goes before what the metadata server says.
pub fn from_metadata(
    environment: &Environment,
    gcloud: &ConfigDirectory,
    answers: &Answers,
) -> Vec<Edit> {
    // The first that the user named in `family`, in gcloud's variable or its configuration; else the answer.
    let choose =
        |family: [&str; 3], own: &str, configured: &Option<String>, answered: &Option<String>| {
            let named = |name: &str| {
                Some((
                    filled(environment, name)?.into(),
                    format!("`{name}` says so"),
                ))
            };
            let says = |value: &Option<String>, who: &str| {
                Some((value.clone()?.into(), format!("{who} says so")))
            };
            family
                .into_iter()
                .find_map(named)
                .or_else(|| named(own))
                .or_else(|| says(configured, "gcloud's configuration"))
                .or_else(|| says(answered, "the metadata server"))
        };
    let project = choose(
        PROJECT,
        "CLOUDSDK_CORE_PROJECT",
        &gcloud.project,
        &answers.project,
    );
    let region = choose(
        REGION,
        "CLOUDSDK_COMPUTE_REGION",
        &gcloud.region,
        &answers.region,
    );
    let by_ip = answers.by_ip.as_ref().map(|authority| {
        let why = "`metadata.google.internal` does not resolve, but this address answers";
        (authority.into(), why.to_owned())
    });

    let mut edits = Vec::new();
    let mut fill = |variable: &str, choice: &Option<(OsString, String)>, elsewhere: bool| {
        if let Some((value, why)) = choice
            && !elsewhere
            && filled(environment, variable).is_none()
        {
            edits.push(set(environment, variable, value.clone(), why.clone()));
        }
    };
    let any = |names: [&str; 3]| names.iter().any(|name| filled(environment, name).is_some());
    // A key file has a project of its own, which the variable would override.
    let has_key = filled(environment, KEY_FILE).is_some();
    let has_zone = any(ZONE) || gcloud.zone.is_some();
    fill("GOOGLE_CLOUD_PROJECT", &project, any(PROJECT) || has_key);
    fill("CLOUDSDK_CORE_PROJECT", &project, gcloud.project.is_some());
    fill("GOOGLE_CLOUD_REGION", &region, any(REGION));
    fill(
        "CLOUDSDK_COMPUTE_REGION",
        &region,
        has_zone || gcloud.region.is_some(),
    );
    fill("CLOUDSDK_RUN_REGION", &region, gcloud.run_region.is_some());
    for variable in METADATA {
        fill(variable, &by_ip, any(METADATA));
    }
    edits
}

/// Sets HOME where it is not set to anything, to `own`, the directory that the system has for this user. A client that
/// looks for it there would find the same.
pub fn home(environment: &Environment, own: impl FnOnce() -> Option<PathBuf>) -> Option<Edit> {
    if environment.get("HOME").is_some_and(|home| !home.is_empty()) {
        return None;
    }
    let why = "it is not set, and /etc/passwd has this directory for the user";
    Some(set(environment, "HOME", own()?.into(), why.to_owned()))
}

/// Sends gcloud to `private`, where it can write and finds a copy of what it had.
pub fn private_configuration(
    environment: &Environment,
    gcloud: &ConfigDirectory,
    private: &Path,
) -> Edit {
    let path = gcloud.path.display();
    let why = match gcloud.writable {
        true => format!("a copy of `{path}` without its proxy, by which gcloud ignores NO_PROXY"),
        false => format!("gcloud needs to write, and cannot in `{path}`"),
    };
    set(environment, "CLOUDSDK_CONFIG", private.into(), why)
}

/// The region in what the metadata server gives for `instance/region` (`projects/NUMBER/regions/REGION`) or
/// `instance/zone` (`projects/NUMBER/zones/REGION-x`; on Cloud Run `x` is a digit).
pub fn region_of(answer: &str) -> Option<&str> {
    let mut parts = answer.trim().split('/');
    let ("projects", _number, kind, name, None) = (
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next(),
    ) else {
        return None;
    };
    let region = match kind {
        "regions" => name,
        "zones" => name.rsplit_once('-')?.0,
        _ => return None,
    };
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (!region.is_empty() && region.bytes().all(is_name)).then_some(region)
}

fn set(environment: &Environment, variable: &str, value: OsString, why: String) -> Edit {
    Edit {
        variable: variable.to_owned(),
        before: environment.get(variable).map(OsStr::to_owned),
        after: Some(value),
        why,
    }
}

/// The value of `name` where it is set to more than white space, be it UTF-8 or not.
fn filled<'a>(environment: &'a Environment, name: &str) -> Option<&'a OsStr> {
    environment.get(name).filter(|value| !is_blank(value))
}

fn is_blank(value: &OsStr) -> bool {
    value.as_encoded_bytes().trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gcloud::GceCache;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().copied().collect()
    }

    fn judge(
        value: &str,
        file: io::Result<Option<&str>>,
    ) -> Result<Option<Edit>, CredentialsFault> {
        credentials(
            &environment(&[(KEY_FILE, value)]),
            Path::new("/app"),
            |_| file.map(|content| content.map(|text| text.as_bytes().to_vec())),
        )
    }

    #[test]
    fn an_empty_key_file_is_taken_out() {
        for empty in ["", " "] {
            let edit = judge(empty, Err(io::ErrorKind::NotFound.into()));
            let edit = edit.unwrap().unwrap();
            assert_eq!((edit.variable.as_str(), edit.after), (KEY_FILE, None));
        }
        let unset = credentials(&environment(&[]), Path::new("/"), |_| {
            panic!("nothing to read")
        });
        assert_eq!(unset, Ok(None));
    }

    #[test]
    fn a_key_file_of_a_known_type_passes() {
        for kind in KNOWN_TYPES {
            let key = format!(r#"{{"private_key": "x", "type": "{kind}"}}"#);
            assert_eq!(judge("key.json", Ok(Some(&key))), Ok(None));
        }
        assert_eq!(
            judge("/dev/fd/63", Ok(None)),
            Ok(None),
            "a pipe is not judged"
        );
    }

    #[test]
    fn a_relative_name_starts_at_the_working_directory() {
        for (value, path) in [("key.json", "/app/key.json"), ("/key.json", "/key.json")] {
            let path = PathBuf::from(path);
            let fault = judge(value, Err(io::ErrorKind::NotFound.into()));
            assert_eq!(fault, Err(CredentialsFault::Missing { path }));
        }
    }

    #[test]
    fn faults_name_the_file_and_never_its_content() {
        use io::ErrorKind::{IsADirectory, PermissionDenied};
        for (file, said) in [
            (
                Err(PermissionDenied.into()),
                "which cannot be read: permission denied",
            ),
            (
                Err(IsADirectory.into()),
                "which cannot be read: is a directory",
            ),
            (Ok(Some(" \n")), "which is no key file: it is empty"),
            (
                Ok(Some("{\n\"s3cret\"")),
                "which is no key file: it is not JSON (line 2, column 8)",
            ),
            (
                Ok(Some("[\"s3cret\"]")),
                "which is no key file: it is JSON, but not an object",
            ),
            (
                Ok(Some("{\"key\": \"s3cret\"}")),
                "which is no key file: it has no `type`",
            ),
            (
                Ok(Some("{\"type\": 7}")),
                "which is no key file: it has no `type`",
            ),
            (
                Ok(Some("{\"type\": \"s3cret\"}")),
                "which is no key file: its `type` is none that Google's libraries know",
            ),
        ] {
            let fault = judge("/k.json", file).unwrap_err();
            let expected = format!("`GOOGLE_APPLICATION_CREDENTIALS` names `/k.json`, {said}");
            assert_eq!(fault.to_string(), expected);
            assert!(!format!("{fault:?}{}", fault.help()).contains("s3cret"));
        }
    }

    #[test]
    fn a_key_in_the_variable_itself_is_not_repeated() {
        let base64 = "ewogICJ0eXBlIjog".repeat(20);
        for value in [r#" {"type": "service_account"}"#, "a\nb", &base64] {
            let fault = judge(value, Err(io::ErrorKind::NotFound.into()));
            assert_eq!(fault, Err(CredentialsFault::KeyItself));
        }
        let deep = "d/".repeat(200);
        let key = Ok(Some(r#"{"type": "service_account"}"#));
        assert_eq!(judge(&deep, key), Ok(None), "a long name that names a file");
    }

    fn gcloud() -> ConfigDirectory {
        ConfigDirectory {
            path: "/home/.config/gcloud".into(),
            writable: true,
            gce_cache: GceCache::Absent,
            project: None,
            account: None,
            region: None,
            zone: None,
            run_region: None,
            proxy: None,
        }
    }

    /// Variables, gcloud's configuration, and the edits that should come of them.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a ConfigDirectory, &'a [&'a str]);

    /// The edits, as `NAME=value`, for a metadata server that says project `m` and region `r`.
    fn edits(variables: &[(&str, &str)], gcloud: &ConfigDirectory) -> Vec<String> {
        let answers = Answers {
            project: Some("m".into()),
            region: Some("r".into()),
            by_ip: None,
        };
        from_metadata(&environment(variables), gcloud, &answers)
            .iter()
            .map(|edit| {
                format!(
                    "{}={}",
                    edit.variable,
                    edit.after.as_ref().unwrap().display()
                )
            })
            .collect()
    }

    #[test]
    fn all_is_filled_in_where_the_user_chose_nothing() {
        let all = [
            "GOOGLE_CLOUD_PROJECT=m",
            "CLOUDSDK_CORE_PROJECT=m",
            "GOOGLE_CLOUD_REGION=r",
            "CLOUDSDK_COMPUTE_REGION=r",
            "CLOUDSDK_RUN_REGION=r",
        ];
        assert_eq!(edits(&[], &gcloud()), all);
        let empty = [
            ("GOOGLE_CLOUD_PROJECT", ""),
            ("GCLOUD_PROJECT", " "),
            (KEY_FILE, ""),
        ];
        assert_eq!(edits(&empty, &gcloud()), all);
    }

    #[test]
    fn a_project_the_user_chose_goes_before_the_metadata_servers() {
        let configured = ConfigDirectory {
            project: Some("c".into()),
            ..gcloud()
        };
        let cases: [Case; 9] = [
            (
                &[("GOOGLE_CLOUD_PROJECT", "a")],
                &gcloud(),
                &["CLOUDSDK_CORE_PROJECT=a"],
            ),
            // Read before or after GOOGLE_CLOUD_PROJECT, as the client likes.
            (
                &[("GCLOUD_PROJECT", "a")],
                &gcloud(),
                &["CLOUDSDK_CORE_PROJECT=a"],
            ),
            (
                &[("GOOGLE_PROJECT", "a")],
                &gcloud(),
                &["CLOUDSDK_CORE_PROJECT=a"],
            ),
            (
                &[("CLOUDSDK_CORE_PROJECT", "a")],
                &gcloud(),
                &["GOOGLE_CLOUD_PROJECT=a"],
            ),
            (
                &[
                    ("GOOGLE_CLOUD_PROJECT", "a"),
                    ("CLOUDSDK_CORE_PROJECT", "b"),
                ],
                &gcloud(),
                &[],
            ),
            (&[], &configured, &["GOOGLE_CLOUD_PROJECT=c"]),
            (&[("GOOGLE_CLOUD_PROJECT", "a")], &configured, &[]),
            (
                &[("CLOUDSDK_CORE_PROJECT", "")],
                &configured,
                &["GOOGLE_CLOUD_PROJECT=c"],
            ),
            // A key file names its own project.
            (
                &[(KEY_FILE, "/k.json")],
                &gcloud(),
                &["CLOUDSDK_CORE_PROJECT=m"],
            ),
        ];
        for (variables, gcloud, expected) in cases {
            let mut edits = edits(variables, gcloud);
            edits.retain(|edit| edit.contains("PROJECT"));
            assert_eq!(edits, expected, "{variables:?}");
        }
    }

    #[test]
    fn a_region_the_user_chose_goes_before_the_metadata_servers() {
        let configured = ConfigDirectory {
            region: Some("c".into()),
            run_region: Some("d".into()),
            ..gcloud()
        };
        let zoned = ConfigDirectory {
            zone: Some("z-b".into()),
            ..gcloud()
        };
        let cases: [Case; 6] = [
            (
                &[("GOOGLE_CLOUD_REGION", "a")],
                &gcloud(),
                &["CLOUDSDK_COMPUTE_REGION=a", "CLOUDSDK_RUN_REGION=a"],
            ),
            (
                &[("GOOGLE_REGION", "a")],
                &gcloud(),
                &["CLOUDSDK_COMPUTE_REGION=a", "CLOUDSDK_RUN_REGION=a"],
            ),
            (
                &[("CLOUDSDK_COMPUTE_REGION", "a")],
                &gcloud(),
                &["GOOGLE_CLOUD_REGION=a", "CLOUDSDK_RUN_REGION=a"],
            ),
            // Where services are deployed says nothing about the rest.
            (
                &[("CLOUDSDK_RUN_REGION", "a")],
                &gcloud(),
                &["GOOGLE_CLOUD_REGION=r", "CLOUDSDK_COMPUTE_REGION=r"],
            ),
            (&[], &configured, &["GOOGLE_CLOUD_REGION=c"]),
            (
                &[],
                &zoned,
                &["GOOGLE_CLOUD_REGION=r", "CLOUDSDK_RUN_REGION=r"],
            ),
        ];
        for (variables, gcloud, expected) in cases {
            let mut edits = edits(variables, gcloud);
            edits.retain(|edit| edit.contains("REGION"));
            assert_eq!(edits, expected, "{variables:?}");
        }
    }

    #[test]
    fn without_answers_nothing_is_made_up() {
        assert_eq!(
            from_metadata(&environment(&[]), &gcloud(), &Answers::default()),
            []
        );
    }

    #[test]
    fn values_that_are_not_text_are_kept_and_passed_on() {
        use std::os::unix::ffi::OsStringExt;
        let value = OsString::from_vec(vec![b'p', 0xff]);
        let environment: Environment = [("GOOGLE_CLOUD_PROJECT", value.clone())]
            .into_iter()
            .collect();
        let edits = from_metadata(&environment, &gcloud(), &Answers::default());
        let after: Vec<_> = edits
            .into_iter()
            .map(|edit| (edit.variable, edit.after))
            .collect();
        assert_eq!(after, [("CLOUDSDK_CORE_PROJECT".to_owned(), Some(value))]);
    }

    #[test]
    fn the_metadata_variables_move_together_or_not_at_all() {
        let answers = Answers {
            by_ip: Some("169.254.169.254".into()),
            ..Answers::default()
        };
        let moved = |variables: &[(&str, &str)]| {
            let edits = from_metadata(&environment(variables), &gcloud(), &answers);
            edits
                .into_iter()
                .map(|edit| edit.variable)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            moved(&[]),
            ["GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"]
        );
        assert_eq!(moved(&[("GCE_METADATA_ROOT", "")]).len(), 3);
        assert_eq!(moved(&[("GCE_METADATA_ROOT", "mds:8080")]), [""; 0]);
    }

    #[test]
    fn home_is_set_where_it_is_not() {
        let own = || Some(PathBuf::from("/srv/app"));
        for variables in [&[][..], &[("HOME", "")]] {
            let edit = home(&environment(variables), own).unwrap();
            assert_eq!(edit.after.as_deref(), Some(OsStr::new("/srv/app")));
        }
        assert_eq!(home(&environment(&[("HOME", "/")]), own), None);
        assert_eq!(home(&environment(&[]), || None), None);
    }

    #[test]
    fn gcloud_is_sent_to_the_private_directory() {
        let before = environment(&[("CLOUDSDK_CONFIG", "/proc/c")]);
        let read_only = ConfigDirectory {
            writable: false,
            ..gcloud()
        };
        let edit = private_configuration(&before, &read_only, Path::new("/tmp/p"));
        assert_eq!(edit.variable, "CLOUDSDK_CONFIG");
        assert_eq!(edit.before.as_deref(), Some(OsStr::new("/proc/c")));
        assert_eq!(edit.after.as_deref(), Some(OsStr::new("/tmp/p")));
        assert_eq!(
            edit.why,
            "gcloud needs to write, and cannot in `/home/.config/gcloud`"
        );
    }

    #[test]
    fn the_region_is_read_from_region_and_zone() {
        for (answer, region) in [
            ("projects/123/regions/europe-west1", Some("europe-west1")),
            ("projects/123/zones/us-central1-a\n", Some("us-central1")),
            ("projects/123/zones/us-central1-1", Some("us-central1")),
            ("projects/123/zones/nodash", None),
            ("projects/123/regions/", None),
            ("projects/123/regions/<html>", None),
            ("projects/123/regions/a/b", None),
            ("europe-west1", None),
            ("", None),
        ] {
            assert_eq!(region_of(answer), region, "{answer}");
        }
    }
}
