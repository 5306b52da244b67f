"""Which keys a TRL recipe may have: a list of those allowed, since TRL and transformers take on more in every version.

A TRL recipe may come from a stranger. What loads code or pickles, runs a program, names a path, sends something out or
carries a secret is in none of the lists; of those most likely to be met the refusal says why. Values are numbers,
truth values and words, or lists of these; mappings have lists of their own.
"""

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def _words(text: str) -> list[str]:
    return text.split()


OPTIONS = frozenset(
    _words("""
    per_device_train_batch_size per_device_eval_batch_size num_train_epochs max_steps
    gradient_accumulation_steps auto_find_batch_size learning_rate lr_scheduler_type lr_scheduler_kwargs
    warmup_steps optim optim_args optim_target_modules weight_decay adam_beta1 adam_beta2 adam_epsilon
    max_grad_norm label_smoothing_factor average_tokens_across_devices neftune_noise_alpha loss_type
    router_aux_loss_coef bf16 fp16 bf16_full_eval fp16_full_eval tf32 dtype use_cpu full_determinism seed
    data_seed gradient_checkpointing gradient_checkpointing_kwargs activation_offloading use_cache
    torch_empty_cache_steps torch_compile torch_compile_backend torch_compile_mode use_liger_kernel
    liger_kernel_config attn_implementation use_peft lora_r lora_alpha lora_dropout lora_target_modules
    lora_target_parameters lora_modules_to_save lora_task_type use_rslora use_dora load_in_8bit load_in_4bit
    bnb_4bit_quant_type use_bnb_nested_quant bnb_4bit_quant_storage model_init_kwargs max_length
    truncation_mode packing packing_strategy padding_free pad_to_multiple_of pad_token eval_packing
    shuffle_dataset dataset_num_proc dataset_text_field dataset_train_split dataset_test_split
    dataset_streaming streaming test_split_size remove_unused_columns label_names length_column_name
    train_sampling_strategy dataloader_drop_last dataloader_num_workers dataloader_pin_memory
    dataloader_persistent_workers dataloader_prefetch_factor dataloader_multiprocessing_context
    dataloader_in_order ignore_bias_buffers logging_strategy logging_steps logging_first_step log_on_each_node
    logging_nan_inf_filter log_level log_level_replica disable_tqdm include_num_input_tokens_seen
    skip_memory_metrics debug report_to run_name project eval_strategy eval_steps eval_delay eval_on_start
    eval_do_concat_batches eval_use_gather_object eval_accumulation_steps include_for_metrics
    batch_eval_metrics prediction_loss_only do_train do_eval do_predict save_strategy save_steps
    save_total_limit save_only_model save_on_each_node enable_jit_checkpoint ignore_data_skip
    restore_callback_states_from_checkpoint load_best_model_at_end metric_for_best_model greater_is_better
    ddp_find_unused_parameters ddp_bucket_cap_mb ddp_broadcast_buffers ddp_static_graph ddp_backend
    ddp_timeout fsdp fsdp_config deepspeed accelerator_config
""")
)
"""The keys that a TRL recipe may have, beside those that the build sets itself."""
_CODE = "it runs code of others"
_SENT = "it sends something out"
_UNWISHED = {
    "use_kernels": f"{_CODE}, from the Hub",
    "kernel_config": f"{_CODE}, from the Hub",
    "allow_all_kernels": f"{_CODE}, from the Hub",
    "trust_remote_code": f"{_CODE}",
    "code_revision": f"{_CODE}",
    "use_safetensors": "weights are read from safetensors alone",
    "weights_only": "weights are read from safetensors alone",
    "token": "a secret has no place in a recipe; log in with `hf auth login`",
    "use_auth_token": "a secret has no place in a recipe; log in with `hf auth login`",
    "proxies": "set HTTPS_PROXY in the environment",
    "quantization_config": "use load_in_8bit or load_in_4bit of TRL",
    "hub_model_id": f"{_SENT}; `humpback release RECIPE --version X.Y.Z --push` publishes",
    "hub_private_repo": f"{_SENT}; `humpback release RECIPE --version X.Y.Z --push` publishes",
    "hub_strategy": f"{_SENT}; `humpback release RECIPE --version X.Y.Z --push` publishes",
    "hub_always_push": f"{_SENT}; `humpback release RECIPE --version X.Y.Z --push` publishes",
    "hub_revision": f"{_SENT}; `humpback release RECIPE --version X.Y.Z --push` publishes",
    "trackio_space_id": _SENT,
    "trackio_bucket_id": _SENT,
    "trackio_static_space_id": _SENT,
    "logging_dir": "it names a path",
    "cache_dir": "it names a path",
    "offload_folder": "it names a path",
    "subfolder": "it names a path",
    "gguf_file": "it names a path",
    "dataset_kwargs": "the build prepares the rows",
    "parallelism_config": "use runtime.launcher",
    "local_rank": "the launcher sets it",
}
"""Keys that somebody may well write, and why they are refused."""
ATTENTION = ("eager", "sdpa", "flex_attention", "flash_attention_2", "flash_attention_3")
"""What attention is computed with; kernels of the Hub are code of others, which no recipe and no model runs."""
_WORDS: dict[str, tuple[str, ...]] = {
    "attn_implementation": ATTENTION,
    "dtype": ("auto", "float32", "bfloat16", "float16"),
    "torch_compile_backend": ("inductor", "cudagraphs", "aot_eager", "eager"),
    "device": ("cpu", "none"),
}
"""Keys whose words are known here."""
REPORTS = ("none", "tensorboard")
REPORT_TO = "HUMPBACK_REPORT_TO"
"""A variable: services that a training may tell its metrics to. A recipe alone must not send anything anywhere."""

_MODEL = frozenset(
    _words("""
    attention_dropout hidden_dropout embedding_dropout classifier_dropout dropout attention_probs_dropout_prob
    hidden_dropout_prob activation_dropout residual_dropout resid_dropout embed_dropout attn_pdrop embd_pdrop
    resid_pdrop summary_first_dropout dtype attn_implementation use_cache low_cpu_mem_usage
    max_position_embeddings rope_theta sliding_window tie_word_embeddings initializer_range rms_norm_eps
    layer_norm_eps output_router_logits router_aux_loss_coef attn_logit_softcapping final_logit_softcapping
""")
)
_SCHEDULER = frozenset(
    _words("""
    num_cycles power lr_end min_lr min_lr_rate min_lr_ratio num_decay_steps num_stable_steps warmup_type
    decay_type timescale warmup_lr_rate mode factor patience threshold threshold_mode cooldown eps
""")
)
_FSDP = frozenset(
    _words("""
    version min_num_params transformer_layer_cls_to_wrap backward_prefetch forward_prefetch limit_all_gathers
    use_orig_params sync_module_states cpu_ram_efficient_loading activation_checkpointing
    reshard_after_forward offload_params state_dict_type auto_wrap_policy sharding_strategy
""")
)
_OFFLOAD = frozenset(
    _words("""
    device pin_memory buffer_count buffer_size fast_init ratio max_in_cpu
""")
)
_ZERO: dict[str, Any] = dict.fromkeys(
    _words("""
    stage overlap_comm contiguous_gradients reduce_scatter reduce_bucket_size allgather_partitions
    allgather_bucket_size sub_group_size round_robin_gradients ignore_unused_parameters
    memory_efficient_linear load_from_fp32_weights zero_hpz_partition_size zero_quantized_weights
    zero_quantized_gradients stage3_max_live_parameters stage3_max_reuse_distance stage3_prefetch_bucket_size
    stage3_param_persistence_threshold stage3_gather_16bit_weights_on_model_save
""")
) | {"offload_optimizer": dict.fromkeys(_OFFLOAD), "offload_param": dict.fromkeys(_OFFLOAD)}
_PRECISION = dict.fromkeys(
    _words("""
    enabled auto_cast loss_scale initial_scale_power loss_scale_window hysteresis min_loss_scale
""")
)
_OPTIMIZER = dict.fromkeys(
    _words("""
    lr betas eps weight_decay torch_adam adam_w_mode momentum
""")
)
_DS_SCHEDULER = dict.fromkeys(
    _words("""
    warmup_min_lr warmup_max_lr warmup_num_steps warmup_type total_num_steps last_batch_iteration
    cos_min_ratio
""")
)
_ACCUMULATION = dict.fromkeys(["num_steps", "adjust_scheduler", "sync_with_dataloader", "sync_each_batch"])
_MAPPINGS: dict[str, dict[str, Any]] = {
    "model_init_kwargs": dict.fromkeys(_MODEL),
    "lr_scheduler_kwargs": dict.fromkeys(_SCHEDULER),
    "gradient_checkpointing_kwargs": dict.fromkeys(("use_reentrant", "preserve_rng_state", "determinism_check")),
    "liger_kernel_config": dict.fromkeys(_words("""
    rope rms_norm swiglu geglu cross_entropy fused_linear_cross_entropy layer_norm
""")),
    "fsdp_config": dict.fromkeys([*_FSDP, *(f"fsdp_{key}" for key in _FSDP), "xla", "xla_fsdp_v2"]),
    "accelerator_config": dict.fromkeys(_words("""
    split_batches dispatch_batches even_batches use_seedable_sampler non_blocking use_configured_state
""")) | {"gradient_accumulation_kwargs": _ACCUMULATION},
    "deepspeed": dict.fromkeys(_words("""
    train_batch_size train_micro_batch_size_per_gpu gradient_accumulation_steps gradient_clipping
    steps_per_print wall_clock_breakdown prescale_gradients zero_allow_untested_optimizer
    zero_force_ds_cpu_optimizer communication_data_type
""")) | {
        "zero_optimization": _ZERO, "bf16": _PRECISION, "fp16": _PRECISION,
        "optimizer": {"type": None, "params": _OPTIMIZER}, "scheduler": {"type": None, "params": _DS_SCHEDULER},
        "tensor_parallel": {"autotp_size": None},
    },
}  # fmt: skip
"""Keys that hold a mapping, with the keys that it may have; None where a plain value stands."""


def key_problems(options: Mapping[Any, Any], set_by_us: tuple[str, ...]) -> Iterator[str]:
    """A line for every key and value that a TRL recipe may not have.

    Args:
        options: The TRL recipe.
        set_by_us: Keys that have an error of their own.
    """
    for key, value in options.items():
        if key in set_by_us:
            continue
        if key not in OPTIONS:
            yield _refused(str(key), key, OPTIONS)
        elif key == "report_to":
            yield from _report_problems(value)
        elif key in _MAPPINGS:
            yield from _mapping_problems(key, value, _MAPPINGS[key])
        else:
            yield from _value_problems(key, key, value)


def _refused(where: str, key: Any, allowed: Iterable[str], *, inner: bool = False) -> str:
    if why := _UNWISHED.get(str(key)):
        return f"{where} is not taken from a TRL recipe: {why}; remove it"
    close = difflib.get_close_matches(str(key), sorted(allowed), 2)
    meant = f", or did you mean {' or '.join(close)}?" if close else ""
    if not inner:
        return f"{where} is not a key of TRL's SFT recipe; remove it{meant or ' (docs/training.md lists the keys)'}"
    return f"{where} may not stand there; remove it{meant or f' (allowed are {_listed(allowed)})'}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _mapping_problems(where: str, value: Any, allowed: Mapping[str, Any]) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, Mapping):
        files = "; a file is not read, write its content here" if isinstance(value, str) else ""
        yield f"{where} is {value!r}; it must be a mapping{files}"
        return
    for key, inner in value.items():
        place = f"{where}.{key}"
        if key not in allowed:
            yield _refused(place, key, allowed, inner=True)
        elif allowed[key] is not None:
            yield from _mapping_problems(place, inner, allowed[key])
        else:
            yield from _value_problems(place, str(key), inner)


def _value_problems(where: str, key: str, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _value_problems(where, key, item) if not isinstance(item, list) else [_no_plain(where, item)]
    elif isinstance(value, str):
        if key in _WORDS and value not in _WORDS[key]:
            yield f"{where} is {value!r}; it must be one of {', '.join(_WORDS[key])}"
        elif "/" in value or value.startswith("~"):
            yield f"{where} is {value!r}; a TRL recipe names no path and no repository, remove it"
    elif not isinstance(value, int | float | None):
        yield _no_plain(where, value)


def _no_plain(where: str, value: Any) -> str:
    return f"{where} is {value!r}; it must be a number, a word, true or false"


def _report_problems(value: Any) -> Iterator[str]:
    mine = [name.strip() for name in os.environ.get(REPORT_TO, "").split(",") if name.strip()]
    for name in value if isinstance(value, list) else [value]:
        if name is not None and name not in (*REPORTS, *mine):
            yield (
                f"report_to is {name!r}; a recipe alone reports to {' or '.join(REPORTS)}: whoever wants their metrics "
                f"sent to a service names it in the environment, such as {REPORT_TO}={name}"
            )
