// A change file that somebody picks is compared with the latest snapshot by the daemon, which keeps nothing of it.

const PICKED_HERE = "picked here";

function startPick() {
  const place = document.getElementById("pick");
  if (!place) return;
  const [field, said] = [place.querySelector("input"), place.querySelector("output")];
  place.hidden = false;
  field.addEventListener("change", async () => {
    const [file] = field.files;
    if (!file) return;
    const most = Number(field.dataset.most);
    if (file.size > most) {
      field.value = "";
      return (said.textContent = `${file.name} has more than ${grouped(most)} bytes: quotakeeper plan shows what it would do.`);
    }
    said.textContent = `Reading ${file.name}`;
    // One file after the other; and nothing takes the page away meanwhile.
    field.disabled = true;
    place.setAttribute("aria-busy", "true");
    try {
      const asked = { method: "POST", body: await file.arrayBuffer(), headers: { "Content-Type": "text/csv" } };
      const answer = await fetch(`/changes/plan?name=${encodeURIComponent(file.name)}`, asked);
      const text = await answer.text();
      if (!answer.headers.get("Content-Type")?.startsWith("text/html")) return (said.textContent = text);
      const page = new DOMParser().parseFromString(text, "text/html");
      // What stands between may have answered with a page of its own.
      if (!page.querySelector("meta[name=stamp]")) return (said.textContent = `quotakeeper does not answer: ${answer.status}`);
      history.replaceState(PICKED_HERE, "");
      history.pushState(null, "");
      fill(page);
      document.getElementById("content").focus();
    } catch {
      said.textContent = `${file.name} cannot be read, or quotakeeper does not answer.`;
    } finally {
      place.removeAttribute("aria-busy");
      field.disabled = false;
      field.value = ""; // so that the same file, corrected, can be picked again
      if (field.isConnected) field.focus(); // it was lost with `disabled`
    }
  });
}

// From what a file would do, the way back leads to the page where it was picked. A link within the page leads nowhere else.
addEventListener("popstate", ({ state }) => state === PICKED_HERE && location.reload());
