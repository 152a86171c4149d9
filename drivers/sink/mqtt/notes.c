/* SPDX-License-Identifier: MIT */
/* What is retained: whether we are there, the state, and the messages by which Home Assistant finds us
 * (home-assistant.io/integrations/mqtt/#mqtt-discovery). */
#include "base/build.h"
#include "nn/network.h"
#include "sink/mqtt/mqtt.h"

#include <stdio.h>
#include <string.h>

/* How Home Assistant makes a value of the state. */
static const struct {
	const char *kind, *id, *name, *template, *more;
} entities[NOTES] = {
	[NOTE_LABEL] = {"sensor", "label", "Label", "{{ (value_json.result or {}).label | default('none') }}",
		"\"icon\":\"mdi:tag\""},
	[NOTE_CONFIDENCE] = {"sensor", "confidence", "Confidence",
		"{{ ((value_json.result or {}).confidence | default(0) * 100) | round }}",
		"\"unit_of_measurement\":\"%\",\"state_class\":\"measurement\""},
	[NOTE_CAMERA] = {"binary_sensor", "camera", "Camera", "{{ 'ON' if value_json.camera else 'OFF' }}",
		"\"device_class\":\"connectivity\""},
};

bool note_exists(const struct mqtt_sink *s, enum mqtt_note note)
{
	return s->discovery || !entities[note].kind;
}

void note_topic(const struct mqtt_sink *s, enum mqtt_note note, char topic[MQTT_TOPIC_BYTES])
{
	if (entities[note].kind)
		snprintf(topic, MQTT_TOPIC_BYTES, "%.*s/%s/%s/%s/config", BROKER_TOPIC_BYTES, s->discovery,
			entities[note].kind, s->id, entities[note].id);
	else
		snprintf(topic, MQTT_TOPIC_BYTES, "%s/%s", s->broker.topic,
			note == NOTE_STATUS ? "status" : "state");
}

static void add_text(struct text_builder *t, const char *key, const char *text)
{
	text_add(t, ",\"%s\":", key);
	text_add_json(t, text);
}

static void add_entity(struct mqtt_sink *s, enum mqtt_note note, struct text_builder *t)
{
	const char *level = strrchr(s->broker.topic, '/');
	char topic[MQTT_TOPIC_BYTES];

	text_add(t, "{\"name\":\"%s\",\"unique_id\":\"%s-%s\",\"value_template\":\"%s\",%s",
		entities[note].name, s->id, entities[note].id, entities[note].template, entities[note].more);
	note_topic(s, NOTE_STATE, topic);
	add_text(t, "state_topic", topic);
	if (note == NOTE_LABEL)
		add_text(t, "json_attributes_topic", topic);
	note_topic(s, NOTE_STATUS, topic);
	add_text(t, "availability_topic", topic);
	text_add(t, ",\"device\":{\"identifiers\":[\"%s\"],\"manufacturer\":\"twobit\",\"sw_version\":\"%s\"",
		s->id, TWOBIT_VERSION);
	add_text(t, "name", level ? level + 1 : s->broker.topic);
	add_text(t, "model", s->about->network->name);
	text_add(t, "}}");
}

void note_payload(struct mqtt_sink *s, enum mqtt_note note, struct text_builder *t)
{
	text_clear(t);
	if (entities[note].kind)
		add_entity(s, note, t);
	else if (note == NOTE_STATE)
		sink_state_json(&s->state, t);
	else
		text_add(t, "%s", atomic_load(&s->closing) ? "offline" : "online");
}
