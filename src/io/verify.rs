//! Downloads images and compares them with their checksums, which stores have been wrong about. It keeps no byte of them.

use futures_util::future::join_all;

use super::http::HttpClient;
use crate::catalog::{Catalog, CatalogRequest, FaultyImage, NodeImage};

/// Proves every image that the repository does not list yet by its content. One that is not what its checksum says becomes
/// faulty; one that could not be downloaded does too, with that reason.
pub async fn verify(catalog: &mut Catalog, request: &CatalogRequest, client: &HttpClient) {
    for store in &mut catalog.image_stores {
        let asked = request.stores.get(&store.pattern);
        let (known, new): (Vec<_>, Vec<_>) = std::mem::take(&mut store.images)
            .into_iter()
            .partition(|image| asked.is_some_and(|asked| asked.listed.contains(&image.version)));
        store.images = known;
        for verdict in join_all(new.into_iter().map(|image| judge(image, client))).await {
            match verdict {
                Ok(image) => store.images.push(image),
                Err(faulty) => store.faulty.push(faulty),
            }
        }
    }
    catalog.sort();
}

async fn judge(image: NodeImage, client: &HttpClient) -> Result<NodeImage, FaultyImage> {
    let (found, sum, said_by) = match (&image.sha256, &image.sha512, &image.md5) {
        (Some(sum), _, _) => (client.sha256(&image.url).await, sum.hex(), ".CHECKSUM"),
        (None, Some(sum), _) => (client.sha512(&image.url).await, sum.hex(), ".CHECKSUM"),
        (None, None, Some(sum)) => (client.md5(&image.url).await, sum.hex(), ".md5"),
        // Nothing proves it, so there is nothing to compare.
        (None, None, None) => return Ok(image),
    };
    let reason = match found {
        Ok(found) if found == sum => return Ok(image),
        Ok(found) => format!("its content has the checksum {found}, its {said_by} says {sum}"),
        Err(error) => format!("could not download it to verify it: {}", error.reason()),
    };
    Err(FaultyImage {
        version: image.version,
        url: image.url,
        reason,
    })
}
