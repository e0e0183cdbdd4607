#!/usr/bin/with-contenv bashio
# From the add-on's options to a configuration, then the daemon takes this process's place.
# shellcheck shell=bash
set -e

export LISTENER_MODELS=/data/models LISTENER_STATE=/data/state
own=/config/listener.yaml
made=/run/listener
verbose=()
if bashio::config.equals log_level debug; then
    verbose=(--verbose)
fi

if bashio::config.true download_sound_model; then
    /opt/listener/bin/listener models pull yamnet \
        || bashio::log.warning "The sound model cannot be had; smoke and carbon monoxide alarms are heard all the same."
fi

if bashio::fs.file_exists "${own}"; then
    bashio::log.info "${own} is there, so the options are not used."
    exec /opt/listener/bin/listener "${verbose[@]}" run -c "${own}"
fi

if bashio::services.available mqtt; then
    MQTT_HOST=$(bashio::services mqtt host)
    MQTT_PORT=$(bashio::services mqtt port)
    MQTT_USERNAME=$(bashio::services mqtt username)
    MQTT_PASSWORD=$(bashio::services mqtt password)
    MQTT_TLS=$(bashio::services mqtt ssl)
    export MQTT_HOST MQTT_PORT MQTT_USERNAME MQTT_PASSWORD MQTT_TLS
fi

/opt/listener/bin/python /configure.py /data/options.json "${made}"
unset MQTT_PASSWORD
exec /opt/listener/bin/listener "${verbose[@]}" run -c "${made}/config.yaml"
