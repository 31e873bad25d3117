// Shows the value of a slider while it is moved, in the unit that data-unit names.
for (const input of document.querySelectorAll("input[data-unit]")) {
  const output = document.querySelector(`output[for="${input.id}"]`);
  const show = () => {
    output.textContent = `${Number(input.value).toLocaleString("en")} ${input.dataset.unit}`;
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", show);
  show(); // a browser may have kept another place than the page says
}
