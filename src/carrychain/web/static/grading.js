// The form for uploads: says beforehand what the server would refuse.

const form = document.getElementById("upload");
if (form) {
  const files = document.getElementById("files");
  const said = document.getElementById("files-size");
  files.addEventListener("change", () => {
    const bytes = [...files.files].reduce((sum, file) => sum + file.size, 0);
    const most = Number(form.dataset.most);
    said.textContent =
      bytes > most
        ? `These files have ${(bytes / 1e6).toFixed(1)} MB, and ${most / 1e6} MB is the most.`
        : "";
    files.setCustomValidity(said.textContent);
  });
}
