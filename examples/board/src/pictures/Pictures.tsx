// The pictures of a trip, dropped or chosen: their bytes go to Storage itself, and others see them as they come.
import { useEffect, useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../api/generated";
import type { PicturesSubscription } from "../api/generated/graphql";
import { useLive } from "../api/live";
import { announce, report } from "../ui/announcer";
import { Failure, GoingButton, pausing } from "../ui/form";

const Shown = graphql(`
  subscription Pictures($trip: UUID!) {
    trip(id: $trip) {
      images(first: 48) {
        totalCount
        nodes { id url thumbnail: url(transform: { width: 320, height: 240 }) uploader { id displayName } }
      }
    }
  }
`);
const Offer = graphql(`
  mutation OfferPicture($trip: UUID!, $input: UploadInput!) { ticket: createTripImageUpload(tripId: $trip, input: $input) { uploadUrl } }
`);
const Delete = graphql(`
  mutation DeletePicture($id: UUID!) { deleteStoredFiles(ids: [$id]) }
`);

const TYPES = "image/jpeg,image/png,image/webp,image/avif";
const RENEWED = 40 * 60_000; // milliseconds; addresses work for an hour, and may be a quarter of one old

type Pictures = { tripId: string; me: string; owns: boolean; mayEdit: boolean };

export function Pictures({ tripId, me, owns, mayEdit }: Pictures) {
  const { data, error, retry } = useLive(Shown, { trip: tripId });
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const [, offer] = useMutation(Offer);
  useEffect(() => {
    const timer = setInterval(retry, RENEWED);
    return () => clearInterval(timer);
  }, [retry]);

  async function add(files: FileList | null) {
    setBusy(true);
    for (const file of Array.from(files ?? [])) { // one after the other, since telephones have little room
      const { data, error } = await offer({ trip: tripId, input: { contentType: file.type, size: String(file.size) } });
      report(error);
      if (data?.ticket) await send(data.ticket.uploadUrl, file);
    }
    setBusy(false);
  }
  const images = data?.trip?.images;
  const drop = mayEdit && !busy && {
    onDragOver: (event: React.DragEvent) => { event.preventDefault(); setOver(true); },
    onDragLeave: () => setOver(false),
    onDrop: (event: React.DragEvent) => { event.preventDefault(); setOver(false); void add(event.dataTransfer.files); },
  };
  return (
    <section className="panel pictures" aria-labelledby="pictures" tabIndex={-1} aria-busy={busy} data-over={over} {...drop}>
      <h2 id="pictures">Pictures</h2>
      {error && !images && <Failure error={error} retry={retry} />}
      <ul>{images?.nodes.map((one) => <Picture key={one.id} picture={one} mayDelete={owns || one.uploader?.id === me} />)}</ul>
      {images && images.totalCount > images.nodes.length && <p>The newest {images.nodes.length} of {images.totalCount}.</p>}
      {mayEdit && (
        <label>
          {busy ? "On its way…" : "Drop pictures here, or choose some"}
          <input type="file" aria-label="Add pictures" accept={TYPES} multiple aria-disabled={busy} onClick={(event) => busy && event.preventDefault()}
            onChange={async ({ target }) => { await add(target.files); target.value = ""; }} />
        </label>
      )}
    </section>
  );
}

async function send(url: string, file: File) {
  const answer = await fetch(url, { method: "PUT", body: file, headers: { "Content-Type": file.type } }).catch(() => undefined);
  if (answer?.ok) announce(`${file.name} is here.`);
  else announce(`${file.name} could not be stored. Try again in a moment.`, "alert");
}

type Image = NonNullable<PicturesSubscription["trip"]>["images"]["nodes"][number];

function Picture({ picture: { id, url, thumbnail, uploader }, mayDelete }: { picture: Image; mayDelete: boolean }) {
  const [{ fetching }, remove] = useMutation(Delete);
  const by = uploader?.displayName ?? "somebody";
  return (
    <li>
      <a href={url ?? undefined} target="_blank" rel="noreferrer">
        <img src={thumbnail ?? url ?? undefined} alt={`Picture by ${by}`} />
      </a>
      {mayDelete && <GoingButton aria-label={`Delete the picture by ${by}`} {...pausing(fetching, async () => report((await remove({ id })).error))}>Delete</GoingButton>}
    </li>
  );
}
