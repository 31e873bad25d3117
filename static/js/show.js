// A button that shows what is typed into a password field. Its name comes from data-show.
for (const input of document.querySelectorAll("input[data-show]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Show";
  button.setAttribute("aria-label", input.dataset.show);
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-label", shown ? input.dataset.show.replace("Show", "Hide") : input.dataset.show);
  });
  input.after(button);
  input.form.addEventListener("submit", () => (input.type = "password"));
}
