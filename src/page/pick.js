// A change file that somebody picks is compared with the latest snapshot by the daemon, which keeps nothing of it.

function startPick() {
  const place = document.getElementById("pick");
  if (!place) return;
  const [field, said] = [place.querySelector("input"), place.querySelector("output")];
  place.hidden = false;
  field.addEventListener("change", async () => {
    const [file] = field.files;
    if (!file) return;
    const most = Number(field.dataset.most);
    if (file.size > most) return (said.textContent = `${file.name} has more than ${grouped(most)} bytes: quotakeeper plan shows what it would do.`);
    said.textContent = `Reading ${file.name}`;
    try {
      const asked = { method: "POST", body: await file.arrayBuffer(), headers: { "Content-Type": "text/csv" } };
      const answer = await fetch(`/changes/plan?name=${encodeURIComponent(file.name)}`, asked);
      if (!answer.headers.get("Content-Type").startsWith("text/html")) return (said.textContent = await answer.text());
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      history.pushState(null, "", location.href);
      fill(page);
      document.getElementById("content").focus();
    } catch {
      said.textContent = `${file.name} cannot be read, or quotakeeper does not answer.`;
    } finally {
      field.value = ""; // so that the same file, corrected, can be picked again
    }
  });
}

// From what a file would do, the way back leads to the page where it was picked.
addEventListener("popstate", () => document.getElementById("preview") && location.reload());
