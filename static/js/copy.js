// A button for each thing to copy (data-copy says what): it copies the text shown, or the whole of what is shown shortened
// (data-value). Without a clipboard there is none.
function offer(shown) {
  const button = document.createElement("button");
  const said = document.createElement("span");
  button.type = "button";
  button.textContent = shown.dataset.copy;
  said.setAttribute("aria-live", "polite"); // not a status: a page has one, which says what an act has done
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(shown.dataset.value ?? shown.textContent);
      said.textContent = " Copied.";
    } catch {
      said.textContent = " Your browser did not allow it. Select it by hand.";
    }
  });
  if (shown.matches("pre")) shown.before(button, said);
  else shown.after(" ", button, said);
  shown.removeAttribute("data-copy");
}

function look() {
  for (const shown of document.querySelectorAll("[data-copy]")) offer(shown);
}

if (navigator.clipboard) {
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true }); // parts of a page are replaced
}
