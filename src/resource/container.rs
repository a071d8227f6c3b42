//! The detector `container`: `container.id`.
//! The table of detectors calls it.
//! A pod's sandbox is a container too and never taken for this one: no id is better than another's.

use std::path::Path;

use tracing_weaver_layers::Value;

use super::found::Found;
use super::{file, k8s};

/// The id of the container that the process runs in.
pub(super) fn detect(root: &Path) -> Found {
    let of_cgroup = file::text(root, "proc/self/cgroup").and_then(|groups| of_cgroup(&groups));
    let id = of_cgroup.or_else(|| of_mounts(&file::text(root, "proc/self/mountinfo")?));
    id.map(|id| ("container.id", Value::Str(id.into()))).into_iter().collect()
}

/// The control group of a container is named after it, under version 1, and under version 2 where the process sees the machine's groups.
fn of_cgroup(groups: &str) -> Option<String> {
    let paths = groups.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.flat_map(|path| path.rsplit('/')).find_map(of_group).map(str::to_owned)
}

/// The id itself, or with the runtime before it and systemd's `.scope` behind it, as in `cri-containerd-<id>.scope`.
fn of_group(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    // `libpod-conmon-<id>` is what watches the container from outside.
    if name.contains("conmon") {
        return None;
    }
    let behind = |mark: char| name.rsplit_once(mark).map_or(name, |(_, behind)| behind);
    [name, behind('-'), behind(':')].into_iter().find(|id| is_id(id))
}

/// Docker and Podman mount files of the container's own folder. In a pod those are the sandbox's.
fn of_mounts(mounts: &str) -> Option<String> {
    if k8s::pod_of_mounts(mounts).is_some() {
        return None;
    }
    let roots = mounts.lines().filter_map(|line| line.split(' ').nth(3));
    let mut found = roots.filter_map(|path| {
        let segments: Vec<_> = path.split('/').collect();
        let at = segments.iter().position(|segment| *segment == "containers" || *segment == "overlay-containers")?;
        segments[at + 1..].iter().find(|segment| is_id(segment)).map(|id| (*id).to_owned())
    });
    found.next()
}

/// 64 hexadecimal digits, or as Amazon's ECS has it 32, a dash, and a number.
fn is_id(text: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let of_ecs = |(task, number): (&str, &str)| digits(task, 32) && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits(text, 64) || text.split_once('-').is_some_and(of_ecs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::{root, text};

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const OTHER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    fn found(cgroup: &str, mountinfo: &str) -> Option<String> {
        let root = root(&[("proc/self/cgroup", cgroup), ("proc/self/mountinfo", mountinfo)]);
        let found = detect(root.path());
        (!found.is_empty()).then(|| text(&found, "container.id"))
    }

    #[test]
    fn the_control_group_names_the_container_whoever_runs_it() {
        for path in [
            format!("/docker/{ID}"),
            format!("/system.slice/docker-{ID}.scope"),
            format!("/kubepods/besteffort/pod5c2b7c5e-1111-2222-3333-444455556666/{ID}"),
            format!(
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod5c2b7c5e_1111_2222_3333_444455556666.slice/cri-containerd-{ID}.scope"
            ),
            format!("/kubepods.slice/kubepods-pod5c2b7c5e.slice/crio-{ID}.scope/container"),
            format!("/system.slice/containerd.service/kubepods-burstable-pod5c2b7c5e.slice:cri-containerd:{ID}"),
            format!("/machine.slice/libpod-{ID}.scope/container"),
        ] {
            assert_eq!(found(&format!("0::{path}\n"), "").as_deref(), Some(ID), "version 2: {path}");
            assert_eq!(
                found(&format!("12:pids:{path}\n11:cpu,cpuacct:{path}\n1:name=systemd:/\n"), "").as_deref(),
                Some(ID),
                "version 1: {path}"
            );
        }
        let of_ecs = "0123456789abcdef0123456789abcdef-1234567890";
        assert_eq!(found(&format!("9:memory:/ecs/0123456789abcdef0123456789abcdef/{of_ecs}\n"), "").as_deref(), Some(of_ecs));
    }

    #[test]
    fn under_version_2_the_mounts_name_the_container() {
        for path in [
            format!("/var/lib/docker/containers/{ID}/hostname"),
            format!("/mnt/docker/containers/{ID}/resolv.conf"),
            format!("/home/u/.local/share/containers/storage/overlay-containers/{ID}/userdata/hosts"),
        ] {
            let mounts = format!(
                "600 500 0:1 / / rw - overlay overlay rw,upperdir=/x/{OTHER}\n601 600 8:1 {path} /etc/hostname rw - ext4 /dev/sda1 rw\n"
            );
            assert_eq!(found("0::/\n", &mounts).as_deref(), Some(ID), "{path}");
        }
    }

    #[test]
    fn the_sandbox_of_a_pod_is_not_this_container() {
        let mounts = format!(
            "1 2 8:1 /var/lib/kubelet/pods/5c2b7c5e-1111-2222-3333-444455556666/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n\
             3 2 8:1 /var/lib/docker/containers/{OTHER}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
        );
        assert_eq!(found("0::/\n", &mounts), None);
        assert_eq!(found(&format!("1:cpu:/kubepods/pod5c2b7c5e/{ID}\n"), &mounts).as_deref(), Some(ID));
    }

    #[test]
    fn outside_of_a_container_nothing_is_found() {
        for cgroup in [
            "",
            "0::/\n",
            "0::/user.slice/user-1000.slice/session-3.scope\n",
            "1:name=systemd:/init.scope\n",
            "garbage",
            "0::/a/0123456789abcdef\n",
        ] {
            assert_eq!(found(cgroup, "22 27 0:21 / /proc rw - proc proc rw\n"), None, "{cgroup}");
        }
        assert_eq!(found(&format!("0::/machine.slice/libpod-conmon-{ID}.scope\n"), ""), None, "what only watches a container is outside");
    }
}
