// A button that copies the text beside it. Without a clipboard it does not appear.
document.querySelectorAll("[data-copy]").forEach((box) => {
  const button = box.querySelector("button");
  const said = box.querySelector("[role=status]");
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(box.querySelector("code").textContent);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "Your browser did not allow it. Download the file instead.";
    }
  });
});
