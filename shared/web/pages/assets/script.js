"use strict";
// Everything works without this: it copies digests, tells local times, and loads anew what is under way.
for (const one of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "copy";
  button.setAttribute("aria-label", "copy " + one.textContent.slice(0, 20));
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(one.textContent);
    button.textContent = "copied";
  });
  one.after(button);
}
for (const one of document.querySelectorAll("time[datetime]")) {
  const at = new Date(one.dateTime);
  if (one.dateTime.includes("T") && !isNaN(at)) {
    one.title = (one.title || one.textContent) + ", here " + at.toLocaleString(undefined, { timeZoneName: "short" });
  }
}
const after = Number(document.body.dataset.reload || 0);
if (after >= 10) {
  const again = () => {
    const typing = document.activeElement && /^(INPUT|TEXTAREA|SELECT|BUTTON)$/.test(document.activeElement.tagName);
    if (!document.hidden && !typing) location.reload();
  };
  setInterval(again, after * 1000);
}
