//! A certificate authority for one run.

use crate::world::Failed;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_RSA_SHA256,
};
use rsa::RsaPrivateKey;
use rsa::pkcs8::EncodePrivateKey;
use rsa::rand_core::OsRng;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{CipherSuite, ServerConfig};

/// A private authority, whose certificate stands beside others in bundles on disk. It works as Amazon's do for endpoints of
/// AWS: an issuer between it and the servers, RSA keys of 2,048 bits everywhere, AES of 128 bits before all else (the first
/// in the security policies of its load balancers). What a client has to verify and to compute is the same.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
}

/// Whom a program trusts beside the authority of the run.
#[derive(Clone, Copy, Debug)]
pub enum Beside {
    /// Nobody.
    Alone,
    /// Amazon's roots, those that functions embed.
    Amazon,
    /// Everybody that the system trusts.
    System,
}

/// The roots that functions embed, in the sources of the crate that embeds them.
const AMAZON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/aws/roots");
/// Where Debian has the certificates that it trusts.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

impl Authority {
    /// A new one; its bundles are in this directory.
    ///
    /// # Errors
    /// A bundle cannot be written.
    pub fn new(directory: &Path) -> Result<Self, Failed> {
        let root = CertifiedIssuer::self_signed(authority("Bench Root CA")?, key()?)?;
        let issuer = CertifiedIssuer::signed_by(authority("Bench RSA 2048 M01")?, key()?, &root)?;
        std::fs::create_dir_all(directory)?;
        Ok(Self {
            root,
            issuer,
            directory: directory.to_owned(),
        })
    }

    /// The file that has the certificate of this authority and of those beside it.
    ///
    /// # Errors
    /// It cannot be written, or the system's certificates are not there.
    pub fn bundle(&self, beside: Beside) -> Result<String, Failed> {
        let others = match beside {
            Beside::Alone => String::new(),
            Beside::Amazon => amazon()?,
            Beside::System => std::fs::read_to_string(SYSTEM)
                .map_err(|error| format!("{SYSTEM}: {error}; install ca-certificates"))?,
        };
        let path = self.directory.join(format!("{beside:?}.pem"));
        std::fs::write(&path, format!("{others}\n{}", self.root.pem()))?;
        Ok(path.display().to_string())
    }

    /// Accepts connections to `localhost`.
    pub(super) fn acceptor(&self) -> Result<TlsAcceptor, Failed> {
        let names = ["localhost".to_owned()];
        let key = key()?;
        let certificate = CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone(), self.issuer.der().clone()];
        let mut provider = ring::default_provider();
        provider
            .cipher_suites
            .sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.ignore_client_order = true;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn authority(name: &str) -> Result<CertificateParams, Failed> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, name);
    Ok(parameters)
}

fn key() -> Result<KeyPair, Failed> {
    let key = RsaPrivateKey::new(&mut OsRng, 2048)?.to_pkcs8_der()?;
    let key = PrivatePkcs8KeyDer::from(key.as_bytes());
    Ok(KeyPair::from_pkcs8_der_and_sign_algo(
        &key,
        &PKCS_RSA_SHA256,
    )?)
}

fn amazon() -> Result<String, Failed> {
    let mut roots = String::new();
    for file in std::fs::read_dir(AMAZON)? {
        roots.push_str(&std::fs::read_to_string(file?.path())?);
    }
    Ok(roots)
}
