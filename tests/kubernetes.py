"""What a schema and a linter of manifests miss, and the pods themselves, as far as a chroot can be one.

    kubernetes.py IMAGE VARIANT.yaml…        (.ci/kubernetes.sh lays out the image and renders the variants)

A pod here is the image's root with the pod's volumes laid into it as a kubelet lays them (files of a Secret or ConfigMap are
links to ..data, itself a link that is swapped), the pod's user, groups and environment, and the image's entry point.
TE_BASE_URL and TE_TOKEN lead to a simulator.
"""

import copy
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import zoneinfo

import yaml

IMAGE, TOKEN = pathlib.Path(sys.argv[1]), os.environ["TE_TOKEN"] + "\n"
REPOSITORY = pathlib.Path(__file__).parent.parent
ENTRYPOINT = json.loads(re.search(r"^ENTRYPOINT (.*)$", (REPOSITORY / "config/Containerfile").read_text(), re.M)[1])
CHROOT = shutil.which("chroot")
VERSION = re.search(r'^version = "(.*)"$', (REPOSITORY / "Cargo.toml").read_text(), re.M)[1]
INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
# Of the API's fields that take one of a few words, those that are used here: the schema calls them texts.
WORDS = {
    "accessModes": {"ReadWriteOnce", "ReadWriteMany"},
    "completionMode": {"Indexed", "NonIndexed"},
    "concurrencyPolicy": {"Allow", "Forbid", "Replace"},
    "fsGroupChangePolicy": {"Always", "OnRootMismatch"},
    "policyTypes": {"Ingress", "Egress"},
    "restartPolicy": {"Always", "Never", "OnFailure"},
    "seccompProfile": {"RuntimeDefault"},
    "strategy": {"Recreate", "RollingUpdate"},
}
# For a try in seconds: what is dropped is taken at once, and mail becomes files.
TRY = {"QUOTAKEEPER__INBOX__SETTLE": "0s", "QUOTAKEEPER__MAIL__TRANSPORT": "directory", "TE_BASE_URL": os.environ["TE_BASE_URL"]}


def one(docs, kind):
    return next((doc for doc in docs if doc["kind"] == kind), None)


def template(docs):
    """The pod of a variant."""
    cronjob = one(docs, "CronJob")
    return (cronjob["spec"]["jobTemplate"]["spec"] if cronjob else one(docs, "Deployment")["spec"])["template"]


def everything(node, path=()):
    """Each value of a document, with the keys that lead to it."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in children:
        yield (*path, key), value
        yield from everything(value, (*path, key))


def project(path, files, mode, group):
    """Lays files out as a kubelet does, or swaps those that are there for these."""
    path.mkdir(parents=True, exist_ok=True)
    version = path / f"..{time.time_ns()}"
    version.mkdir()
    for name, content in files.items():
        (version / name).write_text(content)
        (version / name).chmod(mode)
        os.chown(version / name, 0, group)
        if not (path / name).is_symlink():
            (path / name).symlink_to(f"..data/{name}")
    (path / "..data_tmp").symlink_to(version.name)
    (path / "..data_tmp").rename(path / "..data")


def root(index):
    """The file system of the pod with this index: those of one Job see other parts of their volumes."""
    if index is None:
        return IMAGE
    path = IMAGE.with_name(f"{IMAGE.name}-{index}")
    if not path.exists():
        subprocess.run(["cp", "-al", IMAGE, path], check=True)
    return path


def mount(docs, secret, index=None):
    """Lays out the volumes of a variant's pods, new and empty, and says where the data is."""
    spec = template(docs)["spec"]
    group = spec["securityContext"]["fsGroup"]
    maps = {doc["metadata"]["name"]: doc["data"] for doc in docs if doc["kind"] == "ConfigMap"}
    sources = {source["name"]: source for source in spec["volumes"]}
    shutil.rmtree(root(index) / "run/secrets", ignore_errors=True)  # what other manifests laid there
    for mount in sorted(spec["containers"][0]["volumeMounts"], key=lambda mount: mount["mountPath"]):
        source, path = sources[mount["name"]], root(index) / mount["mountPath"].lstrip("/")
        part = mount.get("subPath") or mount.get("subPathExpr", "").replace("$(JOB_COMPLETION_INDEX)", str(index))
        if path.is_dir():
            shutil.rmtree(path)
        if "secret" in source and part:  # one key of it, as a file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_text(secret[part])
            path.chmod(source["secret"]["defaultMode"])
            os.chown(path, 0, group)
        elif "secret" in source:
            project(path, secret, source["secret"]["defaultMode"], group)
        elif "configMap" in source:
            project(path, maps[source["configMap"]["name"]], 0o644, group)
        else:
            data = path
            data.mkdir(parents=True)
            os.chown(data, 0, group)
            data.chmod(0o2775)  # as fsGroup makes it
    return data


class Pod:
    """One of a variant's pods, among the volumes that are laid out."""

    def __init__(self, docs, index=None, extra=TRY):
        spec = template(docs)["spec"]
        self.container, self.security, self.environment = spec["containers"][0], spec["securityContext"], dict(extra)
        self.root = root(index if is_many(docs) else None)
        for variable in self.container["env"]:
            field = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            value = str(index) if field == INDEX else variable["value"]
            known = self.environment
            self.environment[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda found: known.get(found[1], found[0]), value)

    def start(self, args=None):
        user = f"{self.security['runAsUser']}:{self.security['runAsGroup']}"
        command = [CHROOT, f"--userspec={user}", f"--groups={self.security['fsGroup']}", self.root, *ENTRYPOINT]
        return subprocess.Popen([*command, *(args or self.container["args"])], env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, args=None):
        process = self.start(args)
        told = "".join(process.communicate())
        return process.returncode, told


def is_many(docs):
    """Whether the variant is one Job of many pods."""
    cronjob = one(docs, "CronJob")
    return bool(cronjob) and "completions" in cronjob["spec"]["jobTemplate"]["spec"]


def selects_pods(peers):
    """Whether a rule names pods of a namespace: without `from`, or with an empty selector, it is everybody."""
    named = [[peer.get(key, {}).get("matchLabels") for key in ("namespaceSelector", "podSelector")] for peer in peers or []]
    return bool(named) and all(all(labels) for labels in named)


def problems(docs, secret):
    """All that is wrong with a variant, in words."""
    found = []

    def need(holds, problem):
        if not holds:
            found.append(problem)

    for doc in docs:
        for path, value in everything(doc):
            if path[-1] in WORDS:
                words = value if isinstance(value, list) else [value["type"]] if isinstance(value, dict) else [value]
                need(WORDS[path[-1]].issuperset(words), f"{doc['kind']}: {path[-1]} is {words}")
        need(doc["kind"] == "Namespace" or doc["metadata"].get("namespace") == "quotakeeper", f"{doc['kind']}: another namespace")
    pod = template(docs)
    spec, container, labels = pod["spec"], pod["spec"]["containers"][0], pod["metadata"]["labels"]
    cronjob, deployment, service = (one(docs, kind) for kind in ("CronJob", "Deployment", "Service"))
    if cronjob:
        schedule, job = cronjob["spec"], cronjob["spec"]["jobTemplate"]["spec"]
        need(len(schedule["schedule"].split()) == 5, "CronJob: the schedule has not five fields")
        need(schedule["timeZone"] in zoneinfo.available_timezones(), "CronJob: no such time zone")
        need(schedule["startingDeadlineSeconds"] >= 10, "CronJob: a start that is looked for every 10 s is missed")
        need(schedule["concurrencyPolicy"] == "Forbid" and spec["restartPolicy"] == "Never", "CronJob: pods overlap")
        need(("completions" in job) == ("backoffLimitPerIndex" in job), "CronJob: one index that fails stops the others")
    if deployment:
        need(deployment["spec"]["selector"]["matchLabels"] == labels, "Deployment: it does not select its pods")
        need(deployment["spec"]["replicas"] == 1 and deployment["spec"]["strategy"]["type"] == "Recreate", "Deployment: two at once")
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
    if service:
        need(service["spec"]["selector"] == labels, "Service: it does not select the pods")
        need({port["targetPort"] for port in service["spec"]["ports"]} == ports.keys(), "Service: no such port")
    for probe in ("livenessProbe", "readinessProbe"):
        need(not ports or container[probe]["httpGet"]["port"] in ports, f"{probe}: no such port")
    policy = one(docs, "NetworkPolicy")["spec"]
    need(set(policy["policyTypes"]) == {"Ingress", "Egress"}, "NetworkPolicy: one direction is open")
    need(all(selects_pods(rule.get("from")) for rule in policy["ingress"]), "NetworkPolicy: anybody may scrape")
    reached = {port["port"] for rule in policy["egress"] for port in rule.get("ports", [{"port": "any"}])}
    need(reached == {53, 443, 25, 465, 587}, f"NetworkPolicy: it may reach {reached}")
    need(policy["podSelector"]["matchLabels"] == labels, "NetworkPolicy: it does not select the pods")
    allowed = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
    need(allowed == ports.keys(), "NetworkPolicy: the ports are not those of the pod")

    need(container["image"] == f"quotakeeper:{VERSION}", f"the image is {container['image']}")
    # The restricted Pod Security Standard, and no more than is needed.
    own, whole = container["securityContext"], spec["securityContext"]
    need(whole["runAsNonRoot"] is True and whole["runAsUser"] > 0, "it may run as root")
    need(own["allowPrivilegeEscalation"] is False and own["capabilities"] == {"drop": ["ALL"]}, "it may gain rights")
    need(own["readOnlyRootFilesystem"] is True and spec["automountServiceAccountToken"] is False, "it has more than it needs")
    user = re.search(r"^USER (\d+):(\d+)$", (REPOSITORY / "config/Containerfile").read_text(), re.M)
    need((whole["runAsUser"], whole["runAsGroup"]) == tuple(map(int, user.groups())), "its user is not the image's")

    names = {(doc["kind"], doc["metadata"]["name"]) for doc in docs}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    need({mount["name"] for mount in container["volumeMounts"]} == volumes.keys(), "volumes and mounts differ")
    if is_many(docs):
        # The configuration is for all; of everything else a pod has its own part, or one that is named.
        for mounted in container["volumeMounts"]:
            kind = volumes[mounted["name"]]
            own_part = "$(JOB_COMPLETION_INDEX)" in mounted.get("subPathExpr", "")
            named = "secret" in kind and mounted.get("subPath") == "smtp_password"
            need("configMap" in kind or own_part or named, f"each pod sees all of {mounted['name']}")
    for volume in volumes.values():
        if "secret" in volume:
            need(volume["secret"]["secretName"] == "quotakeeper", "docs/kubernetes.md makes another Secret")
            need(volume["secret"]["defaultMode"] == 0o440, "the Secret's files are open to others")
        elif "configMap" in volume:
            need(("ConfigMap", volume["configMap"]["name"]) in names, f"no such ConfigMap: {volume['configMap']['name']}")
        else:
            need(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in names, "no such claim")
    if found:
        return found
    # The rest is for the binary to judge: keys and values of the environment and the file, secrets, arguments.
    mount(docs, secret, 0 if is_many(docs) else None)
    judge = Pod(docs, index=0, extra={})
    code, told = judge.run(["check"])
    need(code == 0 and "the API token can be read" in told, told)
    need("$(" not in "".join(judge.environment.values()), "a variable that is not known before its use")
    code, told = judge.run([*container["args"], "--help"])
    need(code == 0, told)
    return found


# What a hand slips at, and what has to notice.
def mistakes(docs):
    def change(does):
        wrong = copy.deepcopy(docs)
        does(wrong)
        return wrong

    def container(docs):
        return template(docs)["spec"]["containers"][0]

    yield change(lambda docs: container(docs)["env"].append({"name": "QUOTAKEEPER__INBOX__READONLY", "value": "true"}))
    yield change(lambda docs: container(docs)["env"].append({"name": "QUOTAKEEPER__INBOX__MODE", "value": "everything"}))
    yield change(lambda docs: container(docs)["env"].insert(0, {"name": "TOKEN", "value": "$(LATER)"}))
    yield change(lambda docs: container(docs).update(args=["onec"]))
    yield change(lambda docs: container(docs).update(image="quotakeeper:latest"))
    yield change(lambda docs: container(docs)["volumeMounts"].pop())
    yield change(lambda docs: container(docs)["securityContext"]["capabilities"].update(add=["NET_RAW"]))
    yield change(lambda docs: template(docs)["spec"]["securityContext"].update(runAsUser=0))
    yield change(lambda docs: template(docs)["spec"]["securityContext"].update(seccompProfile={"type": "runtimeDefault"}))
    yield change(lambda docs: template(docs)["metadata"]["labels"].update({"app.kubernetes.io/name": "other"}))
    yield change(lambda docs: next(v for v in template(docs)["spec"]["volumes"] if "secret" in v)["secret"].update(defaultMode=0o444))
    yield change(lambda docs: docs.remove(one(docs, "ConfigMap")))
    policy = lambda docs: one(docs, "NetworkPolicy")["spec"]
    yield change(lambda docs: policy(docs).update(policyTypes=["Ingress"]))
    yield change(lambda docs: policy(docs)["egress"].append({}))
    yield change(lambda docs: policy(docs)["egress"].append({"ports": [{"port": 80, "protocol": "TCP"}]}))
    yield change(lambda docs: policy(docs)["egress"].pop(0))
    if policy(docs)["ingress"]:
        yield change(lambda docs: policy(docs)["ingress"][0].pop("from"))
        yield change(lambda docs: policy(docs)["ingress"][0].update({"from": [{"podSelector": {}}]}))
        yield change(lambda docs: policy(docs)["ingress"][0]["from"].append({"namespaceSelector": {}}))
    if is_many(docs):
        for number, mount in enumerate(container(docs)["volumeMounts"]):
            for key in {"subPath", "subPathExpr"} & mount.keys():
                yield change(lambda docs, number=number, key=key: container(docs)["volumeMounts"][number].pop(key))
                same = "token-0" if key == "subPathExpr" else "."
                yield change(lambda docs, number=number, key=key, same=same: container(docs)["volumeMounts"][number].update({key: same}))
    yield change(lambda docs: one(docs, "PersistentVolumeClaim")["spec"].update(accessModes=["ReadWriteSometimes"]))
    if one(docs, "CronJob"):
        for key, value in {"concurrencyPolicy": "Forbit", "timeZone": "Europe/Bern", "schedule": "*/5 * * *"}.items():
            yield change(lambda docs, key=key, value=value: one(docs, "CronJob")["spec"].update({key: value}))


def done(pod, args=None):
    ended, told = pod.run(args)
    assert ended == 0, f"ended with {ended}: {told}"


def wait_for(what, process, seen):
    while not seen():
        assert process.poll() is None, f"ended before {what}: {process.communicate()}"
        time.sleep(0.05)


def files(data, pattern):
    return sorted(data.glob(pattern))


def states(data):
    return [json.loads(path.read_text())["state"] for path in files(data, "runs/*/run.json")]


def try_cronjob(docs):
    data = mount(docs, {"te_token": TOKEN, "smtp_password": "secret\n"})
    pod = Pod(docs)
    done(pod)
    assert len(files(data, "history/*/*/*.csv")) == 1 and files(data, "outbox/sent/*.eml")
    (data / "inbox/raise.csv").write_text("org_id,aid,value\n10452,204117,4000\n")
    os.chown(data / "inbox/raise.csv", 0, pod.security["fsGroup"])
    # Three at once, and one of them evicted: the file is one run, and done.
    together = [pod.start() for _ in range(3)]
    together[0].send_signal(signal.SIGTERM)
    for process in together:
        process.communicate()
    done(pod)
    assert states(data) == ["done"], states(data)
    done(pod, ["runs"])  # as the job of docs/kubernetes.md does it, with other arguments


def is_well(path):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:8080{path}", timeout=10).status == 200
    except OSError:
        return False


def try_deployment(docs):
    data = mount(docs, {"te_token": "not the token any more\n", "smtp_password": "secret\n"})
    pod = Pod(docs, extra={**TRY, "QUOTAKEEPER__SCHEDULE__SNAPSHOT": "* * * * * *"})
    daemon = pod.start()
    wait_for("a refusal is told", daemon, lambda: files(data, "outbox/sent/*.eml"))
    assert not files(data, "history/*/*/*.csv")
    project(IMAGE / "run/secrets/quotakeeper", {"te_token": TOKEN, "smtp_password": "secret\n"}, 0o440, pod.security["fsGroup"])
    wait_for("a snapshot with the token of the swapped Secret", daemon, lambda: files(data, "history/*/*/*.csv"))
    done(pod, ["status"])  # as kubectl exec does it
    for path in ("/healthz", "/readyz", "/metrics"):  # as the probes and Prometheus ask
        wait_for(f"{path} answers well", daemon, lambda: is_well(path))
    daemon.send_signal(signal.SIGTERM)
    log = daemon.communicate()
    assert daemon.returncode == 0, log


def try_tokens(docs):
    count = one(docs, "CronJob")["spec"]["jobTemplate"]["spec"]["completions"]
    secret = {f"token-{index}": f"not the token of {index}\n" for index in range(count)}
    assert count == 1000 and sum(len(name) + len(token) for name, token in secret.items()) < 1 << 20
    good = {f"token-{index}": TOKEN for index in (0, 1, 2, 999)}
    secret.update(good, smtp_password="secret\n")
    folders = {index: mount(docs, secret, index) for index in (0, 1, 2, 3, 999)}
    running = {index: Pod(docs, index).start() for index in folders}
    for index, process in running.items():
        told = process.communicate()
        assert process.returncode == int(index == 3), told
        assert len(files(folders[index], "history/*/*/*.csv")) == int(index != 3), told
        seen = sorted(path.name for path in (root(index) / "run/secrets/quotakeeper").iterdir())
        assert seen == ["smtp_password", "te_token"], seen


def try_gitops(docs):
    data = mount(docs, {"te_token": TOKEN, "smtp_password": "secret\n"})
    pod = Pod(docs)
    paths = {mount["name"]: IMAGE / mount["mountPath"].lstrip("/") for mount in pod.container["volumeMounts"]}

    def merge(rows):
        project(paths["changes"], {"quotas.csv": "org_id,aid,value\n" + rows}, 0o644, pod.security["fsGroup"])

    done(pod)
    assert not states(data), "the example is no change file yet"
    merge("10452,204117,4100\n")
    for _ in range(2):  # the second time its content is known
        done(pod)
        assert states(data) == ["done"], states(data)
    assert "1 applied" in (data / "answers/quotas.csv/status.txt").read_text()
    merge("10452,204117,4200\n")
    done(pod)
    assert states(data) == ["done", "done"], states(data)


TRIES = {"cronjob": try_cronjob, "deployment": try_deployment, "tokens": try_tokens, "gitops": try_gitops}


def main():
    for path in map(pathlib.Path, sys.argv[2:]):
        docs = list(yaml.safe_load_all(path.read_text()))
        secret = {"token-0" if path.stem == "tokens" else "te_token": TOKEN, "smtp_password": "secret\n"}
        found = problems(docs, secret)
        assert not found, f"{path.stem}: {found}"
        for number, wrong in enumerate(mistakes(docs)):
            assert problems(wrong, secret), f"{path.stem}: mistake {number} is not noticed"
        TRIES[path.stem](docs)
        print(f"{path.stem} holds")


main()
