//! The detector `k8s`: pod, namespace, node and container, from the environment, mounted files and the kubelet's mounts.
//! The table of detectors calls it; the detector `container` asks it whether there is a pod at all.
//! It asks no server: what only the cluster knows must be told by the downward API.

use std::path::Path;

use tracing_weaver_layers::Value;

use super::file;
use super::found::Found;

/// What the environment says wins over files, and files over what can be guessed.
pub(super) fn detect(root: &Path, environment: &[(&'static str, String)]) -> Found {
    let mounts = file::text(root, "proc/self/mountinfo").unwrap_or_default();
    let mounted = pod_of_mounts(&mounts);
    let (uid, container) = mounted.map_or((None, None), |(uid, container)| (Some(uid.to_owned()), container.map(str::to_owned)));
    let uid = uid.or_else(|| pod_of_cgroup(&file::text(root, "proc/self/cgroup")?));
    let volume = |name: &str| file::text(root, &format!("etc/podinfo/{name}"));
    let fallbacks = [
        ("k8s.pod.name", volume("name").or_else(|| hostname_of_pod(root))),
        ("k8s.pod.uid", volume("uid").or(uid)),
        ("k8s.namespace.name", volume("namespace").or_else(|| file::text(root, "var/run/secrets/kubernetes.io/serviceaccount/namespace"))),
        ("k8s.container.name", container),
    ];
    let mut found: Found = environment.iter().map(|(key, value)| (*key, Value::Str(value.as_str().into()))).collect();
    for (key, value) in fallbacks {
        if let Some(value) = value.filter(|_| !found.iter().any(|(known, _)| *known == key)) {
            found.push((key, Value::Str(value.into())));
        }
    }
    found
}

/// Uid of the pod and name of the container in the kubelet's own mounts: `…/pods/<uid>/etc-hosts`, `…/pods/<uid>/containers/<name>/…`.
pub(super) fn pod_of_mounts(mounts: &str) -> Option<(&str, Option<&str>)> {
    let mut pods = mounts.lines().filter_map(|line| {
        let mut segments = line.split(' ').nth(3)?.split('/').skip_while(|segment| *segment != "pods").skip(1);
        let uid = segments.next().filter(|uid| is_uid(uid))?;
        let container = segments.next().filter(|segment| *segment == "containers").and_then(|_| segments.next());
        Some((uid, container))
    });
    let first = pods.next()?;
    let container = first.1.or_else(|| pods.filter(|(uid, _)| *uid == first.0).find_map(|(_, container)| container));
    Some((first.0, container))
}

/// `…/pod<uid>/…`, or with systemd `…-pod<uid with _ for ->.slice/…`.
fn pod_of_cgroup(groups: &str) -> Option<String> {
    groups.lines().flat_map(|line| line.split('/')).find_map(|segment| {
        let (_, uid) = segment.rsplit_once("pod")?;
        let uid = uid.split('.').next()?.replace('_', "-");
        is_uid(&uid).then_some(uid)
    })
}

/// A UUID; of a pod that the kubelet itself was given as a file, 32 hexadecimal digits.
fn is_uid(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_hexdigit).count() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// A pod is called as its host is, unless it shares the node's network, or says otherwise.
fn hostname_of_pod(root: &Path) -> Option<String> {
    let hosts = file::text(root, "etc/hosts")?;
    let own = hosts.lines().next()?.trim() == "# Kubernetes-managed hosts file.";
    own.then(|| file::text(root, "proc/sys/kernel/hostname")).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::{root, text};

    const UID: &str = "5c2b7c5e-1111-2222-3333-444455556666";

    fn value(found: &Found, key: &str) -> Option<String> {
        found.iter().any(|(known, _)| *known == key).then(|| text(found, key))
    }

    #[test]
    fn a_pod_without_any_help_is_known_by_what_the_kubelet_mounts() {
        let mounts = format!(
            "1 2 8:1 /var/lib/kubelet/pods/{UID}/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n\
             3 2 8:1 /var/lib/kubelet/pods/{UID}/containers/shop/0a1b2c3d /dev/termination-log rw - ext4 /dev/sda1 rw\n"
        );
        let root = root(&[
            ("proc/self/mountinfo", &mounts),
            ("etc/hosts", "# Kubernetes-managed hosts file.\n127.0.0.1 localhost\n"),
            ("proc/sys/kernel/hostname", "shop-7d9f-x2x4p\n"),
            ("var/run/secrets/kubernetes.io/serviceaccount/namespace", "market"),
        ]);
        let found = detect(root.path(), &[]);
        assert_eq!(value(&found, "k8s.pod.uid").as_deref(), Some(UID));
        assert_eq!(value(&found, "k8s.container.name").as_deref(), Some("shop"));
        assert_eq!(value(&found, "k8s.pod.name").as_deref(), Some("shop-7d9f-x2x4p"));
        assert_eq!(value(&found, "k8s.namespace.name").as_deref(), Some("market"));
    }

    #[test]
    fn the_environment_wins_over_the_volume_and_the_volume_over_the_rest() {
        let root = root(&[
            ("etc/podinfo/name", "of-volume"),
            ("etc/podinfo/namespace", "of-volume"),
            ("etc/podinfo/uid", UID),
            ("var/run/secrets/kubernetes.io/serviceaccount/namespace", "of-account"),
        ]);
        let found = detect(root.path(), &[("k8s.pod.name", "of-environment".to_owned()), ("k8s.node.name", "n1".to_owned())]);
        assert_eq!(value(&found, "k8s.pod.name").as_deref(), Some("of-environment"));
        assert_eq!(value(&found, "k8s.node.name").as_deref(), Some("n1"));
        assert_eq!(value(&found, "k8s.namespace.name").as_deref(), Some("of-volume"));
        assert_eq!(value(&found, "k8s.pod.uid").as_deref(), Some(UID));
    }

    #[test]
    fn the_control_group_names_the_pod_where_no_mount_does() {
        let with_systemd =
            format!("/kubepods.slice/kubepods-burstable-pod{}.slice/cri-containerd-{}.scope", UID.replace('-', "_"), "0".repeat(64));
        for path in [format!("/kubepods/besteffort/pod{UID}/{}", "0".repeat(64)), with_systemd] {
            let root = root(&[("proc/self/cgroup", &format!("1:cpu:{path}\n"))]);
            assert_eq!(value(&detect(root.path(), &[]), "k8s.pod.uid").as_deref(), Some(UID), "{path}");
        }
    }

    #[test]
    fn in_the_nodes_network_the_hostname_is_the_nodes() {
        let root = root(&[("etc/hosts", "# Kubernetes-managed hosts file (host network).\n"), ("proc/sys/kernel/hostname", "node-1")]);
        assert_eq!(detect(root.path(), &[]), vec![]);
    }

    #[test]
    fn outside_of_a_pod_nothing_is_found() {
        let root = root(&[
            ("etc/hosts", "127.0.0.1 localhost\n"),
            ("proc/sys/kernel/hostname", "laptop"),
            ("proc/self/cgroup", "0::/user.slice/podman.scope/pods/x\n"),
            ("proc/self/mountinfo", "1 2 8:1 /srv/pods/website /srv rw - ext4 /dev/sda1 rw\nshort line\n"),
        ]);
        assert_eq!(detect(root.path(), &[]), vec![]);
    }
}
