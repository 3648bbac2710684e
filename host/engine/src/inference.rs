//! The host's side of `inference`: tensors, pictures and models as resources.
//!
//! Written against the linker rather than through the generated traits, so that a tensor's values
//! come in as the `Arc` that model and journal share, and go out of it without a copy of the host's.

use crate::host::{HostState, LimitReached};
use crate::wire::dinrail::plugin::inference::Error;
use crate::wire::dinrail::plugin::types::TensorSpec;
use dinrail_core::inference::{InferenceEntry, InferenceError, Tensor};
use dinrail_core::item::Picture;
use std::sync::Arc;
use std::time::Instant;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceType};

/// The interface's name as components import it.
pub(crate) const INTERFACE: &str = "dinrail:plugin/inference@0.1.0";

/// Inferences of one call. A plugin batches; whoever needs more is looping.
pub(crate) const MAX_INFERENCES: usize = 1_024;

/// A tensor that lives in the host.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct HostTensor(pub(crate) Tensor);

/// A picture that lives in the host.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct HostImage(pub(crate) Picture);

/// A model that a guest opened: its index among the granted ones.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct HostModel(usize);

type Store<'a> = StoreContextMut<'a, HostState>;
type Answer<T> = Result<T, Error>;
type Size = fn(&Picture) -> u32;

/// Adds the whole interface.
pub(crate) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(INTERFACE)?;
    link_tensor(&mut interface)?;
    link_image(&mut interface)?;
    link_model(&mut interface)
}

fn link_tensor(interface: &mut LinkerInstance<'_, HostState>) -> wasmtime::Result<()> {
    interface.resource("tensor", ResourceType::host::<HostTensor>(), |mut store, rep| {
        let state = store.data_mut();
        let tensor = state.table.delete(Resource::<HostTensor>::new_own(rep))?;
        state.release(bytes(&tensor.0));
        Ok(())
    })?;
    interface.func_wrap("[static]tensor.create", |mut store: Store<'_>, (shape, values): (Vec<u32>, Arc<[f32]>)| {
        Ok((match Tensor::new(shape, values) {
            Ok(tensor) => Ok(store.data_mut().push_tensor(tensor)?),
            Err(error) => Err(refusal(error)),
        },))
    })?;
    interface.func_wrap("[method]tensor.shape", |store: Store<'_>, (tensor,): (Resource<HostTensor>,)| {
        Ok((store.data().table.get(&tensor)?.0.shape().to_vec(),))
    })?;
    interface.func_wrap("[method]tensor.values", |store: Store<'_>, (tensor,): (Resource<HostTensor>,)| {
        Ok((store.data().table.get(&tensor)?.0.shared_values(),))
    })
}

fn link_image(interface: &mut LinkerInstance<'_, HostState>) -> wasmtime::Result<()> {
    interface.resource("image", ResourceType::host::<HostImage>(), |mut store, rep| {
        let state = store.data_mut();
        let image = state.table.delete(Resource::<HostImage>::new_own(rep))?;
        state.release(image.0.pixels().len());
        Ok(())
    })?;
    let sizes: [(&str, Size); 3] = [
        ("[method]image.width", Picture::width),
        ("[method]image.height", Picture::height),
        ("[method]image.channels", Picture::channels),
    ];
    for (name, size) in sizes {
        interface.func_wrap(name, move |store: Store<'_>, (image,): (Resource<HostImage>,)| {
            Ok((size(&store.data().table.get(&image)?.0),))
        })?;
    }
    interface.func_wrap("[method]image.pixels", |store: Store<'_>, (image,): (Resource<HostImage>,)| {
        Ok((store.data().table.get(&image)?.0.shared_pixels(),))
    })?;
    interface.func_wrap("[method]image.to-tensor", |mut store: Store<'_>, (image,): (Resource<HostImage>,)| {
        let tensor = picture_tensor(&store.data().table.get(&image)?.0)?;
        Ok((store.data_mut().push_tensor(tensor)?,))
    })
}

fn link_model(interface: &mut LinkerInstance<'_, HostState>) -> wasmtime::Result<()> {
    interface.resource("model", ResourceType::host::<HostModel>(), |mut store, rep| {
        store.data_mut().table.delete(Resource::<HostModel>::new_own(rep))?;
        Ok(())
    })?;
    interface.func_wrap("[static]model.open", |mut store: Store<'_>, (name,): (String,)| {
        let state = store.data_mut();
        let index = state.models.iter().position(|granted| *granted.name == *name);
        Ok((match index {
            Some(index) => Ok(state.table.push(HostModel(index))?),
            None => Err(Error::UnknownModel(name)),
        },))
    })?;
    interface.func_wrap("[method]model.inputs", |store: Store<'_>, (model,): (Resource<HostModel>,)| {
        let state = store.data();
        let index = state.table.get(&model)?.0;
        Ok((specs(state.models[index].model.inputs()),))
    })?;
    interface.func_wrap("[method]model.outputs", |store: Store<'_>, (model,): (Resource<HostModel>,)| {
        let state = store.data();
        let index = state.table.get(&model)?.0;
        Ok((specs(state.models[index].model.outputs()),))
    })?;
    interface.func_wrap(
        "[method]model.run",
        |mut store: Store<'_>, (model, inputs): (Resource<HostModel>, Vec<Resource<HostTensor>>)| {
            store.data_mut().run(&model, &inputs).map(|answer| (answer,))
        },
    )?;
    interface.func_wrap(
        "[method]model.run-one",
        |mut store: Store<'_>, (model, shape, values): (Resource<HostModel>, Vec<u32>, Arc<[f32]>)| {
            store.data_mut().run_one(&model, shape, values).map(|answer| (answer,))
        },
    )
}

impl HostState {
    fn push_tensor(&mut self, tensor: Tensor) -> wasmtime::Result<Resource<HostTensor>> {
        self.reserve(bytes(&tensor))?;
        Ok(self.table.push(HostTensor(tensor))?)
    }

    /// Hands a picture to the guest.
    pub(crate) fn push_image(&mut self, picture: Picture) -> wasmtime::Result<Resource<HostImage>> {
        self.reserve(picture.pixels().len())?;
        Ok(self.table.push(HostImage(picture))?)
    }

    fn run(
        &mut self,
        model: &Resource<HostModel>,
        inputs: &[Resource<HostTensor>],
    ) -> wasmtime::Result<Answer<Vec<Resource<HostTensor>>>> {
        let index = self.table.get(model)?.0;
        let inputs = inputs
            .iter()
            .map(|input| Ok(self.table.get(input)?.0.clone()))
            .collect::<wasmtime::Result<Vec<Tensor>>>()?;
        match self.infer(index, &inputs)? {
            Ok(outputs) => {
                let outputs = outputs.to_vec();
                let outputs = outputs.into_iter().map(|output| self.push_tensor(output));
                Ok(Ok(outputs.collect::<wasmtime::Result<_>>()?))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    fn run_one(
        &mut self,
        model: &Resource<HostModel>,
        shape: Vec<u32>,
        values: Arc<[f32]>,
    ) -> wasmtime::Result<Answer<Arc<[f32]>>> {
        let index = self.table.get(model)?.0;
        let input = match Tensor::new(shape, values) {
            Ok(input) => input,
            Err(error) => return Ok(Err(refusal(error))),
        };
        Ok(match self.infer(index, std::slice::from_ref(&input))? {
            Ok([output]) => Ok(output.shared_values()),
            Ok(outputs) => {
                Err(Error::Shape(format!("the model has {} outputs, `run-one` is for those with one", outputs.len())))
            }
            Err(error) => Err(error),
        })
    }

    /// Runs a model within the call's deadline and journals what came of it.
    fn infer(&mut self, index: usize, inputs: &[Tensor]) -> wasmtime::Result<Answer<&[Tensor]>> {
        if self.journal.len() >= MAX_INFERENCES {
            return Err(LimitReached(format!("more than {MAX_INFERENCES} inferences in one call")).into());
        }
        let granted = &mut self.models[index];
        let started = Instant::now();
        let outputs = match self.deadline {
            Some(deadline) if deadline <= started => Err(InferenceError::Deadline),
            deadline => granted.model.run(inputs, deadline),
        };
        if let Ok(outputs) = &outputs {
            self.journal_bytes += outputs.iter().map(bytes).sum::<usize>();
        }
        let duration_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let outside = granted.model.is_outside(inputs);
        self.journal.push(InferenceEntry { model: Arc::clone(&granted.name), outside, outputs, duration_ns });
        // The journal keeps every output until the call ends, whatever the guest drops.
        if self.journal_bytes > self.resource_bytes_max {
            return Err(LimitReached(format!(
                "{} bytes of inference outputs in one call, {} are the limit",
                self.journal_bytes, self.resource_bytes_max
            ))
            .into());
        }
        let entry = self.journal.last().expect("an entry was just pushed");
        Ok(entry.outputs.as_deref().map_err(|error| refusal(error.clone())))
    }
}

fn bytes(tensor: &Tensor) -> usize {
    size_of_val(tensor.values())
}

fn specs(specs: &[dinrail_core::description::TensorSpec]) -> Vec<TensorSpec> {
    specs.iter().map(|spec| TensorSpec { name: spec.name.clone(), shape: spec.shape.clone() }).collect()
}

fn refusal(error: InferenceError) -> Error {
    match error {
        InferenceError::UnknownModel(name) => Error::UnknownModel(name),
        InferenceError::Shape(what) => Error::Shape(what),
        InferenceError::Deadline => Error::Deadline,
        InferenceError::NotFinite(what) => Error::NotFinite(what),
        InferenceError::Failed(what) => Error::Failed(what),
    }
}

/// Channels first, scaled to [0, 1].
fn picture_tensor(picture: &Picture) -> Result<Tensor, LimitReached> {
    let channels = picture.channels() as usize;
    let pixels = picture.pixels();
    let plane = pixels.len() / channels.max(1);
    let mut values = Vec::with_capacity(pixels.len());
    for channel in 0..channels {
        values.extend((0..plane).map(|i| f32::from(pixels[i * channels + channel]) / 255.0));
    }
    let shape = vec![1, picture.channels(), picture.height(), picture.width()];
    Tensor::new(shape, values.into()).map_err(|error| LimitReached(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_pictures_channels_come_first() {
        let picture = Picture::new(2, 1, 3, Arc::from([0_u8, 51, 102, 153, 204, 255])).unwrap();
        let tensor = picture_tensor(&picture).unwrap();
        assert_eq!(tensor.shape(), [1, 3, 1, 2]);
        assert_eq!(tensor.values(), [0.0, 0.6, 0.2, 0.8, 0.4, 1.0]);
    }
}
