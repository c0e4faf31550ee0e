// Copies texts of the page. Without this script the buttons stay hidden, and a click selects a text whole.
const news = document.getElementById("copied");
for (const button of document.querySelectorAll("button[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  const label = button.querySelector("[data-label]");
  const before = label.textContent;
  let back;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      label.textContent = "Copied";
    } catch {
      // The browser does not allow it: the text is selected, to be copied by hand.
      getSelection().selectAllChildren(text);
      label.textContent = "Selected";
    }
    news.textContent = `${label.textContent}: ${text.textContent}`;
    clearTimeout(back);
    back = setTimeout(() => { label.textContent = before; }, 2000);
  });
}
