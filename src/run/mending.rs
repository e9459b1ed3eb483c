//! The environment on its way to the command: what can be mended before anything is asked, and what only the metadata
//! server's answers can fill in.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use nix::sys::signal::{SigSet, SigmaskHow};

use super::emulate::identity;
use super::waiting::block_on;
use crate::check::command;
use crate::check::metadata::Proven;
use crate::check::{Check, Context, Subject};
use crate::cli::Need;
use crate::environment::adc::traps::{self, Holder, Seen};
use crate::environment::proxy::{self, Mode, Notice, Unsteerable, Way};
use crate::environment::{Edit, Environment, adc, ca};
use crate::exit_code::ExitCode;
use crate::finding::{self, Circumstances, Finding};
use crate::gcloud::{self, ConfigDirectory};
use crate::launch::inherited;
use crate::log::{Entry, Severity};
use crate::metadata::client::Wishes;
use crate::metadata::emulator::Emulator;
use crate::net::tls::{self, Trust};
use crate::plan::{self, Needs, Retry};
use crate::temporary;

/// An environment, and how it came to be so.
#[derive(Debug)]
pub struct Mending {
    /// The environment as it is by now.
    pub environment: Environment,
    /// The changes so far.
    pub edits: Vec<Edit>,
    /// What the mend found.
    pub findings: Vec<Finding>,
    /// What a finding of the metadata server must know.
    pub circumstances: Circumstances,
    /// The metadata server that this environment names.
    metadata: Subject,
}

/// Why nothing can be mended.
#[derive(Debug)]
pub struct Refused {
    /// What to say.
    pub entry: Entry,
    /// How to end.
    pub code: ExitCode,
}

impl Mending {
    /// All that needs no network: the emulator's address, the proxy variables, the key file's, the CA files'.
    ///
    /// # Errors
    /// The emulator cannot listen, or a variable names no metadata server.
    pub fn begin(needs: &Needs, environment: Environment) -> Result<Self, Refused> {
        let mut mending = Self {
            environment,
            edits: Vec::new(),
            findings: Vec::new(),
            circumstances: Circumstances::default(),
            metadata: Subject::Credentials,
        };
        if needs.emulate {
            let own = emulated(needs.service_account.clone()).map_err(|error| {
                let why = crate::net::plain(&error);
                Refused {
                    entry: Entry::new(Severity::Error, format!("cannot start the emulator: {why}")),
                    code: ExitCode::Unavailable,
                }
            })?;
            mending.change(own);
        }
        let asked = Wishes {
            universe: needs.needs_permissions,
            ..Wishes::default()
        };
        let expected = needs.service_account.clone();
        mending.metadata =
            plan::metadata(&mending.environment, expected, asked).map_err(|entry| Refused {
                entry,
                code: ExitCode::Configuration,
            })?;
        mending.circumstances.metadata_proxy = metadata_proxy(&mending.environment);

        let mended = proxy::mend(&mending.environment, &wishes(needs, &mending.metadata));
        mending.circumstances.proxy_edits = mended.edits.len();
        for notice in &mended.notices {
            let mut found = finding::of_notice(notice);
            if is_in_image(notice, &mending.environment) {
                found.severity = finding::Severity::Warning;
            }
            mending.findings.push(found);
        }
        mending.change(mended.edits);
        mending.circumstances.is_mended = metadata_proxy(&mending.environment).is_none();

        let home = adc::home(&mending.environment, gcloud::home_of_user);
        mending.change(home.into_iter().collect());
        // What is wrong with the key file itself, its check says.
        let key = adc::credentials(&mending.environment, &directory(), gcloud::read_small);
        if let Ok(Some(own)) = key {
            mending.change(vec![own]);
        }
        let system = tls::system_bundle();
        let notices = ca::judge(
            &mending.environment,
            || {
                system
                    .and_then(|path| std::fs::read(path).ok())
                    .unwrap_or_default()
            },
            // A distribution's whole bundle is no question, and takes a millisecond to read.
            |path| match std::fs::metadata(path) {
                Ok(file) if file.len() <= ca::LARGEST_TO_JUDGE => gcloud::read_small(path).ok()?,
                _ => None,
            },
        );
        mending.findings.extend(notices.iter().map(finding::of_ca));
        Ok(mending)
    }

    /// The checks that the environment itself asks for.
    pub fn checks(&self, needs: &Needs) -> Vec<Check> {
        let mut checks = Vec::new();
        if self.environment.has("GOOGLE_APPLICATION_CREDENTIALS") {
            checks.push(Check {
                subject: Subject::Credentials,
                need: Need::Require,
            });
        }
        checks.extend(needs.ca_file.clone().map(|path| Check {
            subject: Subject::CaFile(path),
            need: Need::Require,
        }));
        if needs.metadata != Need::Off {
            checks.push(Check {
                subject: self.metadata.clone(),
                need: needs.metadata,
            });
        }
        checks
    }

    /// What the checks look at.
    pub fn context(&self, needs: &Needs) -> Context {
        context(self.environment.clone(), needs.ca_file.clone(), needs.retry)
    }

    /// Looks for what keeps clients from the service account that the metadata server has; gives gcloud's directory as
    /// it is.
    pub fn look(&mut self, proven: Option<&Proven>) -> ConfigDirectory {
        let gcloud = gcloud::inspect(&self.environment);
        let account = proven.map(|proven| proven.proof.account.email.as_str());
        let holder = |path: &Path| Holder::read(&gcloud::read_small(path).ok()??);
        let key = self.environment.get("GOOGLE_APPLICATION_CREDENTIALS");
        let seen = Seen {
            key: key.and_then(|path| holder(&directory().join(path))),
            well_known: gcloud::default_credentials(&self.environment, &gcloud)
                .into_iter()
                .find_map(|path| holder(&path).map(|holder| (path, holder))),
            stored: gcloud::stored_accounts(&gcloud),
            home: gcloud::home_fault(&self.environment),
            account,
            gcloud: &gcloud,
        };
        let traps = traps::judge(&self.environment, seen);
        self.findings.extend(
            traps
                .iter()
                .map(|trap| finding::adc::of_trap(trap, account)),
        );
        gcloud
    }

    /// What the metadata server's answers, gcloud's directory and the corporate CA ask for; to be called when all
    /// checks have passed, since it writes files where they are needed.
    pub fn finish(&mut self, needs: &Needs, mut gcloud: ConfigDirectory, proven: Option<&Proven>) {
        if let Some(path) = &needs.ca_file {
            self.trust(path);
        }
        let may_mend = matches!(needs.wishes.mode, Mode::Mend | Mode::Strip);
        let forgets_proxy = gcloud.proxy.is_some() && may_mend;
        if let Some(proxy) = &gcloud.proxy {
            let found = finding::of_gcloud_proxy(&gcloud.path, proxy, may_mend);
            self.findings.push(found);
        }
        if !gcloud.writable || forgets_proxy {
            let private = gcloud::private_directory(&gcloud).and_then(|private| {
                if forgets_proxy {
                    gcloud::forget_proxy(&private)?;
                }
                Ok(private)
            });
            match private {
                Ok(private) => {
                    let own = adc::private_configuration(&self.environment, &gcloud, &private);
                    self.change(vec![own]);
                    gcloud = gcloud::inspect(&self.environment);
                }
                Err(error) if command_exists("gcloud", &self.environment) => {
                    let why = crate::net::plain(&error);
                    let found = finding::of_gcloud_directory(&gcloud, &why);
                    self.findings.push(found);
                }
                Err(error) => tracing::debug!(%error, "no private directory for gcloud"),
            }
        }
        let Some(proven) = proven else { return };
        match gcloud::remove_stale_cache(&gcloud) {
            Ok(true) => tracing::debug!(
                "removed gcloud's stale `gce` cache: it denied the metadata server that has answered"
            ),
            Ok(false) => {}
            Err(error) => self.findings.push(finding::of_gce_cache(
                &gcloud.path,
                &crate::net::plain(&error),
            )),
        }
        let chosen = ["GCE_METADATA_HOST", "GCE_METADATA_ROOT"]
            .iter()
            .find_map(|name| self.environment.filled(name))
            .map(str::to_owned);
        let by_address = proven
            .name_failure
            .as_ref()
            .map(|_| crate::metadata::IPV4.to_string());
        let region = proven.proof.place.as_deref().and_then(adc::region_of);
        let answers = adc::Answers {
            project: Some(proven.proof.project.clone()),
            region: region.map(str::to_owned),
            by_ip: by_address.or(chosen),
        };
        self.change(adc::from_metadata(&self.environment, &gcloud, &answers));
    }

    /// Leads every client to a bundle of the public roots and the CA in `path`.
    fn trust(&mut self, path: &Path) {
        let system = tls::system_bundle().and_then(|path| std::fs::read(path).ok());
        if system.is_none() {
            self.findings
                .push(finding::of_ca(&ca::Notice::NoPublicRoots));
        }
        let written = std::fs::read(path)
            .map_err(|error| crate::net::plain(&error))
            .and_then(|own| ca::certificates(&own))
            .and_then(|own| {
                write_bundle(&ca::bundle(&system.unwrap_or_default(), &own))
                    .map_err(|error| crate::net::plain(&error))
            });
        match written {
            Ok(bundle) => {
                self.change(ca::edits(&self.environment, &bundle));
                if command_exists("java", &self.environment) {
                    self.findings.push(finding::of_ca(&ca::Notice::Java));
                }
            }
            Err(why) => self.findings.push(finding::of_bundle(path, &why)),
        }
    }

    fn change(&mut self, edits: Vec<Edit>) {
        self.environment.apply(&edits);
        self.edits.extend(edits);
    }
}

/// Whether the image has the client that a notice is about. A warning of one that is not there would be noise.
fn is_in_image(notice: &Notice, environment: &Environment) -> bool {
    let find = |name: &str| command::find(name.as_ref(), environment, &directory()).ok();
    match notice {
        Notice::UnsteerableClients(Unsteerable::Java) => find("java").is_some(),
        Notice::UnsteerableClients(Unsteerable::BusyBoxWget) => find("wget")
            .and_then(|wget| std::fs::canonicalize(wget.path).ok())
            .is_some_and(|path| path.to_string_lossy().contains("busybox")),
        _ => false,
    }
}

fn command_exists(name: &str, environment: &Environment) -> bool {
    command::find(name.as_ref(), environment, &directory()).is_ok()
}

/// Writes a bundle of roots for the command.
fn write_bundle(bundle: &[u8]) -> io::Result<PathBuf> {
    temporary::make(|directory| {
        let mut file = tempfile::Builder::new()
            .prefix("runup-ca-")
            .suffix(".pem")
            .tempfile_in(directory)?;
        io::Write::write_all(&mut file, bundle)?;
        let (_, path) = file.keep().map_err(|error| error.error)?;
        Ok(path)
    })
}

/// Starts the emulator on a thread of its own; the edits that lead every client to it.
fn emulated(service_account: Option<String>) -> io::Result<Vec<Edit>> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    // The thread begins with all signals blocked: one that blocked them itself could still take the SIGCHLD of a command
    // that ends at once, and the parent would wait for ever.
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let spawned = std::thread::Builder::new()
        .name("emulator".to_owned())
        .spawn(move || {
            // Threads begin with some of the C library's own signals unblocked, whatever the mask.
            let _ = inherited::block_signals();
            let served = block_on(async {
                Emulator::from_std(listener, identity(service_account))?
                    .serve()
                    .await
            });
            tracing::debug!(?served, "the emulator ended");
        });
    mask.thread_set_mask()?;
    spawned?;
    Ok(
        ["GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"]
            .map(|variable| Edit {
                variable: variable.to_owned(),
                before: None,
                after: Some(address.to_string().into()),
                why: "`--emulate`: the metadata server is the emulator".to_owned(),
            })
            .into(),
    )
}

/// What the mend is to do: the user's wishes, and a metadata server elsewhere to be reached directly.
fn wishes(needs: &Needs, metadata: &Subject) -> proxy::Wishes {
    let mut wishes = needs.wishes.clone();
    if let Subject::Metadata {
        chosen: Some(authority),
        ..
    } = metadata
    {
        let host = authority
            .rsplit_once(':')
            .map_or(&**authority, |(host, _)| host);
        wishes.direct.extend(host.parse());
    }
    wishes
}

/// What checks look at in `environment`.
pub fn context(environment: Environment, ca_file: Option<PathBuf>, retry: Retry) -> Context {
    Context {
        settings: proxy::Settings::read(&environment),
        trust: Trust::new(&environment, ca_file),
        directory: directory(),
        attempt_timeout: retry.attempt_timeout,
        environment,
    }
}

/// The working directory.
pub fn directory() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}

/// The variable and proxy that would carry metadata requests, where one would.
pub fn metadata_proxy(environment: &Environment) -> Option<String> {
    let url = url::Url::parse("http://metadata.google.internal/").ok()?;
    match proxy::Settings::read(environment).way(&url) {
        Way::Direct { .. } => None,
        Way::Via { proxy, because } => Some(format!("the proxy `{proxy}` ({because})")),
    }
}
