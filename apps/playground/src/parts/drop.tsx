import { useState } from "preact/hooks";

interface DropProps {
  readonly label: string;
  readonly hint: string;
  readonly accept: string;
  readonly onFiles: (files: readonly File[]) => void;
}

/** An area for files, which can be dropped on it or chosen with its button. */
export function Drop({ label, hint, accept, onFiles }: DropProps) {
  const [over, setOver] = useState(false);
  const take = (files: FileList | null | undefined) => {
    if (files && files.length > 0) onFiles([...files]);
  };
  return (
    <label
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <input
        type="file"
        multiple
        accept={accept}
        onChange={(event) => {
          const input = event.currentTarget;
          take(input.files);
          input.value = ""; // lets the user choose the same file again
        }}
      />
      <strong>{label}</strong>
      <span>{hint}</span>
    </label>
  );
}
