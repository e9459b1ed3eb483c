//! Which predefined role usually carries a permission: of those that do, the one that gives least besides and can be
//! granted on a project.

/// A role, and the permissions for which it is the right one.
const ROLES: &[(&str, &[&str])] = &[
    ("roles/aiplatform.user", &["aiplatform.endpoints.predict"]),
    (
        "roles/artifactregistry.reader",
        &[
            "artifactregistry.repositories.downloadArtifacts",
            "artifactregistry.repositories.get",
            "artifactregistry.repositories.list",
        ],
    ),
    (
        "roles/artifactregistry.writer",
        &["artifactregistry.repositories.uploadArtifacts"],
    ),
    (
        "roles/bigquery.dataEditor",
        &[
            "bigquery.tables.create",
            "bigquery.tables.update",
            "bigquery.tables.updateData",
        ],
    ),
    (
        "roles/bigquery.dataViewer",
        &[
            "bigquery.datasets.get",
            "bigquery.tables.get",
            "bigquery.tables.getData",
            "bigquery.tables.list",
        ],
    ),
    ("roles/bigquery.jobUser", &["bigquery.jobs.create"]),
    (
        "roles/bigquery.readSessionUser",
        &["bigquery.readsessions.create"],
    ),
    ("roles/bigtable.reader", &["bigtable.tables.readRows"]),
    ("roles/bigtable.user", &["bigtable.tables.mutateRows"]),
    (
        "roles/browser",
        &[
            "resourcemanager.projects.get",
            "resourcemanager.projects.getIamPolicy",
        ],
    ),
    (
        "roles/cloudbuild.builds.editor",
        &["cloudbuild.builds.create"],
    ),
    (
        "roles/cloudbuild.builds.viewer",
        &["cloudbuild.builds.get", "cloudbuild.builds.list"],
    ),
    (
        "roles/cloudfunctions.invoker",
        &["cloudfunctions.functions.invoke"],
    ),
    (
        "roles/cloudkms.cryptoKeyDecrypter",
        &["cloudkms.cryptoKeyVersions.useToDecrypt"],
    ),
    (
        "roles/cloudkms.cryptoKeyEncrypter",
        &["cloudkms.cryptoKeyVersions.useToEncrypt"],
    ),
    (
        "roles/cloudkms.signer",
        &["cloudkms.cryptoKeyVersions.useToSign"],
    ),
    (
        "roles/cloudscheduler.jobRunner",
        &["cloudscheduler.jobs.run"],
    ),
    (
        "roles/cloudsql.client",
        &["cloudsql.instances.connect", "cloudsql.instances.get"],
    ),
    ("roles/cloudsql.instanceUser", &["cloudsql.instances.login"]),
    ("roles/cloudtasks.enqueuer", &["cloudtasks.tasks.create"]),
    ("roles/cloudtrace.agent", &["cloudtrace.traces.patch"]),
    (
        "roles/compute.instanceAdmin.v1",
        &[
            "compute.instanceGroupManagers.update",
            "compute.instances.create",
            "compute.instances.delete",
            "compute.instances.reset",
            "compute.instances.setMetadata",
            "compute.instances.start",
            "compute.instances.stop",
        ],
    ),
    ("roles/compute.networkUser", &["compute.subnetworks.use"]),
    (
        "roles/compute.viewer",
        &[
            "compute.disks.get",
            "compute.disks.list",
            "compute.instanceGroupManagers.get",
            "compute.instanceGroupManagers.list",
            "compute.instanceGroups.get",
            "compute.instanceGroups.list",
            "compute.instances.get",
            "compute.instances.list",
            "compute.machineTypes.list",
            "compute.networks.get",
            "compute.networks.list",
            "compute.projects.get",
            "compute.regions.list",
            "compute.subnetworks.get",
            "compute.subnetworks.list",
            "compute.zones.list",
        ],
    ),
    (
        "roles/container.clusterViewer",
        &["container.clusters.get", "container.clusters.list"],
    ),
    (
        "roles/datastore.user",
        &[
            "datastore.entities.create",
            "datastore.entities.delete",
            "datastore.entities.update",
        ],
    ),
    (
        "roles/datastore.viewer",
        &["datastore.entities.get", "datastore.entities.list"],
    ),
    (
        "roles/dns.admin",
        &[
            "dns.changes.create",
            "dns.resourceRecordSets.create",
            "dns.resourceRecordSets.update",
        ],
    ),
    (
        "roles/dns.reader",
        &[
            "dns.managedZones.get",
            "dns.managedZones.list",
            "dns.resourceRecordSets.list",
        ],
    ),
    (
        "roles/errorreporting.writer",
        &["errorreporting.errorEvents.create"],
    ),
    (
        "roles/iam.serviceAccountTokenCreator",
        &[
            "iam.serviceAccounts.getAccessToken",
            "iam.serviceAccounts.getOpenIdToken",
            "iam.serviceAccounts.implicitDelegation",
            "iam.serviceAccounts.signBlob",
            "iam.serviceAccounts.signJwt",
        ],
    ),
    (
        "roles/iam.serviceAccountUser",
        &["iam.serviceAccounts.actAs"],
    ),
    ("roles/logging.logWriter", &["logging.logEntries.create"]),
    (
        "roles/logging.viewer",
        &["logging.logEntries.list", "logging.logs.list"],
    ),
    (
        "roles/monitoring.metricWriter",
        &[
            "monitoring.metricDescriptors.create",
            "monitoring.timeSeries.create",
        ],
    ),
    ("roles/monitoring.viewer", &["monitoring.timeSeries.list"]),
    ("roles/pubsub.publisher", &["pubsub.topics.publish"]),
    ("roles/pubsub.subscriber", &["pubsub.subscriptions.consume"]),
    (
        "roles/pubsub.viewer",
        &[
            "pubsub.subscriptions.get",
            "pubsub.subscriptions.list",
            "pubsub.topics.get",
            "pubsub.topics.list",
        ],
    ),
    (
        "roles/run.developer",
        &[
            "run.jobs.create",
            "run.jobs.update",
            "run.services.create",
            "run.services.update",
        ],
    ),
    ("roles/run.invoker", &["run.routes.invoke"]),
    (
        "roles/run.jobsExecutor",
        &["run.executions.cancel", "run.jobs.run"],
    ),
    (
        "roles/run.jobsExecutorWithOverrides",
        &["run.jobs.runWithOverrides"],
    ),
    (
        "roles/run.viewer",
        &[
            "run.executions.get",
            "run.executions.list",
            "run.jobs.get",
            "run.jobs.list",
            "run.services.get",
            "run.services.list",
        ],
    ),
    (
        "roles/secretmanager.secretAccessor",
        &["secretmanager.versions.access"],
    ),
    (
        "roles/secretmanager.secretVersionAdder",
        &["secretmanager.versions.add"],
    ),
    (
        "roles/secretmanager.viewer",
        &[
            "secretmanager.secrets.get",
            "secretmanager.secrets.list",
            "secretmanager.versions.get",
            "secretmanager.versions.list",
        ],
    ),
    (
        "roles/serviceusage.serviceUsageConsumer",
        &["serviceusage.services.use"],
    ),
    (
        "roles/spanner.databaseReader",
        &[
            "spanner.databases.read",
            "spanner.databases.select",
            "spanner.sessions.create",
        ],
    ),
    ("roles/spanner.databaseUser", &["spanner.databases.write"]),
    (
        "roles/storage.bucketViewer",
        &["storage.buckets.get", "storage.buckets.list"],
    ),
    ("roles/storage.objectCreator", &["storage.objects.create"]),
    (
        "roles/storage.objectUser",
        &["storage.objects.delete", "storage.objects.update"],
    ),
    (
        "roles/storage.objectViewer",
        &["storage.objects.get", "storage.objects.list"],
    ),
    ("roles/workflows.invoker", &["workflows.executions.create"]),
];

/// The role that usually carries `permission`, where the table knows it.
pub fn of(permission: &str) -> Option<&'static str> {
    ROLES
        .iter()
        .find(|(_, permissions)| permissions.contains(&permission))
        .map(|(role, _)| *role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_stands_once_and_the_table_in_order() {
        let roles: Vec<&str> = ROLES.iter().map(|(role, _)| *role).collect();
        assert!(roles.is_sorted(), "{roles:?}");
        let mut all: Vec<&str> = ROLES.iter().flat_map(|(_, own)| *own).copied().collect();
        for permission in &all {
            assert!(
                permission.parse::<super::super::Permission>().is_ok(),
                "{permission}"
            );
        }
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
    }

    #[test]
    fn the_usual_roles() {
        for (permission, role) in [
            (
                "compute.instanceGroupManagers.list",
                Some("roles/compute.viewer"),
            ),
            (
                "secretmanager.versions.access",
                Some("roles/secretmanager.secretAccessor"),
            ),
            ("logging.logEntries.create", Some("roles/logging.logWriter")),
            ("storage.objects.get", Some("roles/storage.objectViewer")),
            ("run.jobs.run", Some("roles/run.jobsExecutor")),
            ("livestream.channels.start", None),
        ] {
            assert_eq!(of(permission), role);
        }
    }
}
