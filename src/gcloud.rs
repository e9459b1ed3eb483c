//! What gcloud will find on the file system: its configuration directory, whether it may write there, the properties of
//! its active configuration, and its memory of whether this is Google Cloud.
//!
//! gcloud is never run to learn this: even `gcloud version` asks the metadata server and writes what it believes.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, Uid, access};

use crate::environment::Environment;
use crate::environment::adc::traps::is_account;
use crate::temporary;

/// A file larger than this is neither a key nor a configuration.
const LARGEST: u64 = 1024 * 1024;

/// How deep the configuration directory is copied: `legacy_credentials/ACCOUNT/adc.json` lies deepest.
const DEEPEST: usize = 3;

/// gcloud's memory of whether this is Google Cloud: the file `gce`, believed for ten minutes after its mtime (and
/// until then, where the mtime lies in the future).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GceCache {
    /// There is none, or none that can be read: gcloud will ask.
    Absent,
    /// It holds exactly `True`.
    Positive,
    /// It holds anything else, which gcloud takes for "no": it says that there are no accounts, and asks nobody.
    Negative,
}

/// gcloud's configuration directory, and what its active configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigDirectory {
    /// `$CLOUDSDK_CONFIG`, or `.config/gcloud` in the home directory. It need not exist.
    pub path: PathBuf,
    /// Whether gcloud can write there, or make the directory where it does not exist; found by trying.
    pub writable: bool,
    /// The file `gce`.
    pub gce_cache: GceCache,
    /// The property core/project.
    pub project: Option<String>,
    /// The property core/account.
    pub account: Option<String>,
    /// The property compute/region.
    pub region: Option<String>,
    /// The property compute/zone.
    pub zone: Option<String>,
    /// The property run/region.
    pub run_region: Option<String>,
    /// The property proxy/address: gcloud then ignores NO_PROXY, even for the metadata server.
    pub proxy: Option<String>,
}

/// Looks at the configuration directory that gcloud would use in `environment`.
pub fn inspect(environment: &Environment) -> ConfigDirectory {
    let path = match environment.get("CLOUDSDK_CONFIG") {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => home(environment).join(".config/gcloud"),
    };
    let properties = active_configuration(environment, &path);
    let property = |section, name| property(&properties, section, name);
    ConfigDirectory {
        writable: is_writable(&path),
        gce_cache: gce_cache(&path),
        project: property("core", "project"),
        account: property("core", "account"),
        region: property("compute", "region"),
        zone: property("compute", "zone"),
        run_region: property("run", "region"),
        proxy: property("proxy", "address"),
        path,
    }
}

/// Makes a fresh [`temporary`] directory, for its owner only, with a copy of the configuration in `of`: so
/// that gcloud can write, and nothing the user had is lost.
pub fn private_directory(of: &ConfigDirectory) -> io::Result<PathBuf> {
    let private = temporary::make(|directory| {
        tempfile::Builder::new()
            .prefix("runup-gcloud-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(directory)
    })?;
    copy(&of.path, private.path(), DEEPEST)?;
    Ok(private.keep())
}

/// Removes the file `gce` where it says that this is not Google Cloud, and tells whether it did. To be called once the
/// metadata server has answered, and not before: without it gcloud asks again.
pub fn remove_stale_cache(directory: &ConfigDirectory) -> io::Result<bool> {
    if gce_cache(&directory.path) != GceCache::Negative {
        return Ok(false);
    }
    match fs::remove_file(directory.path.join("gce")) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The bytes of a small regular file; `None` for a pipe or a device, since reading would take from the command what
/// it is to read.
pub fn read_small(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Some(bytes))
}

/// The home directory as Python's `expanduser` finds it, which is how gcloud does. /etc/passwd is read by hand: a
/// static binary must not load NSS modules.
fn home(environment: &Environment) -> PathBuf {
    let home = match environment.get("HOME") {
        Some(home) => PathBuf::from(home),
        None => home_in_passwd().unwrap_or_default(),
    };
    if home.as_os_str().is_empty() {
        return PathBuf::from("/");
    }
    home
}

/// The home directory that /etc/passwd has for this user.
fn home_in_passwd() -> Option<PathBuf> {
    home_in(&fs::read("/etc/passwd").ok()?, Uid::current())
}

/// The home directory of `uid` in the text of /etc/passwd.
fn home_in(passwd: &[u8], uid: Uid) -> Option<PathBuf> {
    let uid = uid.to_string();
    passwd
        .split(|byte| *byte == b'\n')
        .map(|line| line.split(|byte| *byte == b':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&uid.as_bytes()))
        .and_then(|fields| fields.get(5).map(|home| OsStr::from_bytes(home).into()))
}

/// The home directory that /etc/passwd has for this user, where there is such a directory.
pub fn home_of_user() -> Option<PathBuf> {
    home_in_passwd().filter(|home| home.is_absolute() && home.is_dir())
}

/// What is wrong with the home directory that `environment` names, as the words after its name.
pub fn home_fault(environment: &Environment) -> Option<String> {
    let home = match environment.get("HOME") {
        Some(home) if !home.is_empty() => Path::new(home),
        _ => return Some("is not set, and /etc/passwd has no directory for the user".to_owned()),
    };
    let shown = home.display();
    if !home.is_dir() {
        return Some(format!("names `{shown}`, which is no directory"));
    }
    match access(home, AccessFlags::W_OK) {
        Ok(()) => None,
        Err(_) => Some(format!("names `{shown}`, which cannot be written")),
    }
}

/// The files of application default credentials that the libraries look for: in gcloud's directory, and in the home
/// directory, where Go and Java look whatever CLOUDSDK_CONFIG says.
pub fn default_credentials(environment: &Environment, directory: &ConfigDirectory) -> [PathBuf; 2] {
    const NAME: &str = "application_default_credentials.json";
    let home = home(environment).join(".config/gcloud");
    [directory.path.join(NAME), home.join(NAME)]
}

/// The accounts that gcloud's store has credentials of: it keeps a directory for each beside its database.
pub fn stored_accounts(directory: &ConfigDirectory) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory.path.join("legacy_credentials")) else {
        return Vec::new();
    };
    let mut accounts: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_account(name))
        .collect();
    accounts.sort();
    accounts
}

/// Whether gcloud can create files in `directory`. Mode bits do not tell: root may not write on /proc, nor on a
/// read-only mount.
fn is_writable(directory: &Path) -> bool {
    let nearest = directory
        .ancestors()
        .map(|ancestor| match ancestor.as_os_str().is_empty() {
            true => Path::new("."),
            false => ancestor,
        })
        .find(|ancestor| ancestor.symlink_metadata().is_ok());
    let databases = ["credentials.db", "access_tokens.db"];
    nearest.is_some_and(|nearest| tempfile::tempfile_in(nearest).is_ok())
        && databases
            .iter()
            .all(|database| may_append(&directory.join(database)))
}

/// Whether `file` is open to writing, or not there yet.
fn may_append(file: &Path) -> bool {
    match OpenOptions::new().append(true).open(file) {
        Ok(_) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn gce_cache(directory: &Path) -> GceCache {
    match read_small(&directory.join("gce")) {
        Ok(Some(answer)) if answer == b"True" => GceCache::Positive,
        Ok(Some(_)) => GceCache::Negative,
        Ok(None) | Err(_) => GceCache::Absent,
    }
}

/// The text of the configuration that gcloud would take; empty where there is none. `NONE` is gcloud's name for none.
fn active_configuration(environment: &Environment, directory: &Path) -> String {
    let text = |path: PathBuf| {
        read_small(&path)
            .ok()
            .flatten()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .filter(|text| !text.is_empty())
    };
    let name = environment
        .text("CLOUDSDK_ACTIVE_CONFIG_NAME")
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .or_else(|| text(directory.join("active_config")));
    // Where no file names the active configuration, gcloud makes a new, empty one, over one that may be there (528.0.0).
    let Some(name) = name.filter(|name| name != "NONE") else {
        return String::new();
    };
    text(
        directory
            .join("configurations")
            .join(format!("config_{name}")),
    )
    .unwrap_or_default()
}

/// Takes the section `proxy` out of every configuration in `directory`, which must be a private copy.
pub fn forget_proxy(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory.join("configurations"))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        fs::write(&path, without_section(&text, "proxy"))?;
    }
    Ok(())
}

/// The text of a configuration without one of its sections.
fn without_section(ini: &str, section: &str) -> String {
    let mut here = false;
    let mut rest = String::new();
    for line in ini.lines() {
        if let Some(title) = line
            .trim()
            .strip_prefix('[')
            .and_then(|l| l.strip_suffix(']'))
        {
            here = title == section;
        }
        if !here {
            rest.push_str(line);
            rest.push('\n');
        }
    }
    rest
}

/// A property in the text of a configuration (INI as Python's configparser reads it; gcloud writes no value over
/// several lines). Empty is unset.
fn property(ini: &str, section: &str, name: &str) -> Option<String> {
    let mut here = false;
    let mut found = None;
    for line in ini.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(title) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            here = title == section;
        } else if here
            && let Some((key, value)) = line.split_once(['=', ':'])
            && key.trim_end().eq_ignore_ascii_case(name)
        {
            found = Some(value.trim());
        }
    }
    found.filter(|value| !value.is_empty()).map(str::to_owned)
}

/// Copies what gcloud and the libraries read from `from`: small files that this user may read, links followed (a
/// mounted ConfigMap holds nothing else). The copies are the user's own: a read-only `credentials.db` helps nobody.
fn copy(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if is_out_of_reach(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        let skipped = ["gce", "logs", "virtenv"]
            .iter()
            .any(|other| name == *other);
        // `..data` and its like: what the links of a mounted ConfigMap point to.
        if skipped || name.as_bytes().starts_with(b"..") {
            continue;
        }
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            if depth > 1 {
                fs::create_dir(&target)?;
                copy(&source, &target, depth - 1)?;
            }
            continue;
        }
        match read_small(&source) {
            Ok(Some(bytes)) => io::copy(
                &mut bytes.as_slice(),
                &mut OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(target)?,
            )?,
            Ok(None) => 0,
            Err(error) if is_out_of_reach(&error) => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

/// Whether gcloud, too, would have found nothing there.
fn is_out_of_reach(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, NotADirectory, NotFound, PermissionDenied};
    matches!(
        error.kind(),
        FileTooLarge | NotADirectory | NotFound | PermissionDenied
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// A directory with `files`, each with its content.
    fn directory(files: &[(&str, &str)]) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        directory
    }

    fn inspected(directory: &Path, more: &[(&str, &str)]) -> ConfigDirectory {
        let mut environment: Environment = more.iter().copied().collect();
        environment.set("CLOUDSDK_CONFIG", directory);
        inspect(&environment)
    }

    #[test]
    fn the_directory_is_found_as_gcloud_finds_it() {
        for (variables, path) in [
            (vec![("HOME", "/nowhere/h")], "/nowhere/h/.config/gcloud"),
            (
                vec![("HOME", "/nowhere/h"), ("CLOUDSDK_CONFIG", "")],
                "/nowhere/h/.config/gcloud",
            ),
            (
                vec![("HOME", "/nowhere/h"), ("CLOUDSDK_CONFIG", "/nowhere/c")],
                "/nowhere/c",
            ),
            (vec![("HOME", "")], "/.config/gcloud"),
        ] {
            let directory = inspect(&variables.into_iter().collect());
            assert_eq!(directory.path, Path::new(path));
        }
    }

    #[test]
    fn without_home_the_passwd_file_tells() {
        let passwd = b"root:x:0:0:root:/root:/bin/sh\n# no\nbroken\napp:x:1000:1000::/srv/app:\nnone:x:7:7:::\n";
        let home = |uid| home_in(passwd, Uid::from_raw(uid));
        assert_eq!(home(1000), Some("/srv/app".into()));
        assert_eq!(home(0), Some("/root".into()));
        assert_eq!(home(7), Some("".into()));
        assert_eq!(home(12345), None);
    }

    #[test]
    fn what_is_wrong_with_a_home() {
        let directory = directory(&[("file", "x")]);
        let fault = |home: Option<&Path>| {
            let mut environment = Environment::default();
            if let Some(home) = home {
                environment.set("HOME", home);
            }
            home_fault(&environment)
        };
        assert_eq!(fault(Some(directory.path())), None);
        for (home, says) in [
            (Some(directory.path().join("file")), "which is no directory"),
            (Some("/nonexistent".into()), "which is no directory"),
            (Some("".into()), "is not set"),
            (None, "is not set"),
        ] {
            let why = fault(home.as_deref()).unwrap();
            assert!(why.contains(says), "{home:?}: {why}");
        }
    }

    #[test]
    fn the_accounts_of_the_store_are_its_directories() {
        let directory = directory(&[
            ("legacy_credentials/b@p.example/adc.json", "{}"),
            ("legacy_credentials/a@p.example/adc.json", "{}"),
            ("legacy_credentials/README", "x"),
        ]);
        let seen = inspected(directory.path(), &[]);
        assert_eq!(stored_accounts(&seen), ["a@p.example", "b@p.example"]);
        let empty = inspected(&directory.path().join("none"), &[]);
        assert!(stored_accounts(&empty).is_empty());
    }

    #[test]
    fn writing_is_tried_and_leaves_no_trace() {
        let directory = directory(&[]);
        let absent = directory.path().join("a/b/c");
        assert!(inspected(directory.path(), &[]).writable);
        assert!(inspected(&absent, &[]).writable);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        // Root is refused on /proc although the mode bits allow it.
        for refused in ["/proc/.config/gcloud", "/proc", "/dev/null", "/dev/null/x"] {
            assert!(!inspected(Path::new(refused), &[]).writable, "{refused}");
        }
    }

    #[test]
    fn only_true_without_a_newline_is_a_positive_cache() {
        for (content, cache) in [
            (Some("True"), GceCache::Positive),
            (Some("False"), GceCache::Negative),
            (Some("True\n"), GceCache::Negative),
            (Some(""), GceCache::Negative),
            (None, GceCache::Absent),
        ] {
            let files: Vec<_> = content
                .map(|content| ("gce", content))
                .into_iter()
                .collect();
            let directory = directory(&files);
            let seen = inspected(directory.path(), &[]);
            assert_eq!(seen.gce_cache, cache, "{content:?}");
            let stale = cache == GceCache::Negative;
            assert_eq!(remove_stale_cache(&seen).unwrap(), stale, "{content:?}");
            let left = directory.path().join("gce").exists();
            assert_eq!(left, content.is_some() && !stale, "{content:?}");
        }
    }

    #[test]
    fn a_proxy_is_seen_and_forgotten() {
        let ini = "[core]\nproject = p\n[proxy]\ntype = http\naddress = squid\nport = 3128\n[run]\nregion = r1\n";
        let directory = directory(&[
            ("active_config", "default"),
            ("configurations/config_default", ini),
        ]);
        let seen = inspected(directory.path(), &[]);
        assert_eq!(seen.proxy.as_deref(), Some("squid"));
        forget_proxy(directory.path()).unwrap();
        let seen = inspected(directory.path(), &[]);
        assert_eq!(seen.proxy, None);
        assert_eq!(seen.project.as_deref(), Some("p"));
        assert_eq!(seen.run_region.as_deref(), Some("r1"));
    }

    #[test]
    fn properties_come_from_the_active_configuration() {
        let directory = directory(&[
            ("active_config", "work"),
            (
                "configurations/config_work",
                "# ours\n[core]\nproject = p-work\naccount: a@b.example\nregion = no\n[compute]\nRegion=r1\nzone=r1-b\n\
                 [run]\nregion =\n",
            ),
            (
                "configurations/config_default",
                "[core]\nproject = p-default\n",
            ),
        ]);
        let seen = inspected(directory.path(), &[]);
        assert_eq!(seen.project.as_deref(), Some("p-work"));
        assert_eq!(seen.account.as_deref(), Some("a@b.example"));
        assert_eq!(seen.region.as_deref(), Some("r1"));
        assert_eq!(seen.zone.as_deref(), Some("r1-b"));
        assert_eq!(seen.run_region, None, "empty is unset");

        for (name, project) in [
            ("default", Some("p-default")),
            ("NONE", None),
            ("missing", None),
            ("", Some("p-work")),
        ] {
            let seen = inspected(directory.path(), &[("CLOUDSDK_ACTIVE_CONFIG_NAME", name)]);
            assert_eq!(seen.project.as_deref(), project, "{name}");
        }
        fs::remove_file(directory.path().join("active_config")).unwrap();
        let seen = inspected(directory.path(), &[]);
        assert_eq!(seen.project, None);
    }

    #[test]
    fn a_private_directory_keeps_what_the_user_had() {
        let key = "legacy_credentials/a@b.example/adc.json";
        let large = "x".repeat(LARGEST as usize + 1);
        let directory = directory(&[
            ("active_config", "default"),
            ("configurations/config_default", "[core]\nproject = p\n"),
            ("application_default_credentials.json", "{}"),
            ("credentials.db", "db"),
            (key, "{}"),
            ("gce", "False"),
            ("logs/today.log", "x"),
            ("large", &large),
            ("..data/config_linked", "[core]\nproject = linked\n"),
        ]);
        let at = |name: &str| directory.path().join(name);
        let linked = "configurations/config_linked";
        symlink(at("..data/config_linked"), at(linked)).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        symlink(directory.path(), at("loop")).unwrap();
        let database = fs::Permissions::from_mode(0o444);
        fs::set_permissions(at("credentials.db"), database).unwrap();

        let private = private_directory(&inspected(directory.path(), &[])).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&private), 0o700);
        assert_eq!(mode(&private.join("credentials.db")), 0o600);
        for kept in [
            "active_config",
            "application_default_credentials.json",
            key,
            linked,
        ] {
            assert_eq!(
                fs::read(private.join(kept)).unwrap(),
                fs::read(at(kept)).unwrap()
            );
        }
        for left in ["gce", "logs", "large", "..data", "dangling"] {
            assert!(!private.join(left).exists(), "{left}");
        }
        let seen = inspected(&private, &[]);
        assert_eq!(seen.project.as_deref(), Some("p"));
        assert!(seen.writable);
        fs::remove_dir_all(private).unwrap();
    }

    #[test]
    fn a_private_directory_needs_no_original() {
        let nowhere = inspected(Path::new("/proc/.config/gcloud"), &[]);
        let private = private_directory(&nowhere).unwrap();
        assert_eq!(fs::read_dir(&private).unwrap().count(), 0);
        fs::remove_dir(private).unwrap();
    }

    #[test]
    fn a_pipe_is_not_read() {
        let directory = directory(&[]);
        let pipe = directory.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(read_small(&pipe).unwrap().is_none());
        let error = read_small(directory.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
    }
}
