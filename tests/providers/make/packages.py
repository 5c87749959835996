"""How each package for Python is asked whether it accepts a request."""

import json
from pathlib import Path


def slack(v, secret):
    from slack_sdk.signature import SignatureVerifier

    verifier = SignatureVerifier(secret)
    time = v.sent["x-slack-request-timestamp"]
    made = verifier.generate_signature(timestamp=time, body=v.bytes)
    return made == v.sent["x-slack-signature"] and verifier.is_valid_request(v.bytes, v.sent)


def stripe(v, secret):
    import stripe

    stripe.WebhookSignature.verify_header(v.text, v.sent["stripe-signature"], secret, tolerance=300)
    return True


def standard(v, secret):
    from standardwebhooks import Webhook

    Webhook(secret).verify(v.bytes, v.sent, json_parse=False)
    return True


def svix(v, secret):
    from svix.webhooks import Webhook

    Webhook(secret).verify(v.bytes, v.sent)
    return True


def openai(v, secret):
    from openai import OpenAI

    OpenAI(api_key="test").webhooks.verify_signature(v.bytes, v.sent, secret=secret)
    return True


def polar(v, secret):
    from polar.v2026_10 import webhooks

    try:
        webhooks.validate_event(v.bytes, v.sent, secret)
    except webhooks.PolarWebhookVerificationError:
        raise
    except webhooks.PolarWebhookError:
        pass  # The signature held, and the event is none of Polar's.
    return True


def finch(v, secret):
    from finch import Finch

    Finch(access_token="test").webhooks.verify_signature(v.text, v.sent, secret=secret)
    return True


def twilio(v, secret):
    from twilio.request_validator import RequestValidator, get_signature_algorithm

    algorithm = get_signature_algorithm(v.sent.get("x-twilio-webhooks-signature-settings"))
    content = v.text if "bodySHA256" in v.url else v.form
    return RequestValidator(secret).validate(v.url, content, v.sent["x-twilio-signature"], algorithm=algorithm)


def sendgrid(v, key):
    from sendgrid.helpers.eventwebhook import EventWebhook

    prefix = "x-twilio-email-event-webhook-"
    return EventWebhook(key).verify_signature(v.text, v.sent[prefix + "signature"], v.sent[prefix + "timestamp"])


def discord(v, key):
    from discord_interactions import verify_key

    return verify_key(v.bytes, v.sent["x-signature-ed25519"], v.sent["x-signature-timestamp"], key)


def telnyx(v, key):
    import telnyx

    telnyx.Telnyx(api_key="test", public_key=key).webhooks.unwrap(v.text, headers=v.sent)
    return True


def paddle(v, secret):
    from types import SimpleNamespace

    from paddle_billing.Notifications import Secret, Verifier

    headers = {"Paddle-Signature": v.sent["paddle-signature"]}
    return Verifier().verify(SimpleNamespace(headers=headers, body=v.bytes, content=v.bytes, data=v.bytes), Secret(secret))


def line(v, secret):
    from linebot.v3.webhook import SignatureValidator

    return SignatureValidator(secret).validate(v.text, v.sent["x-line-signature"])


def hubspot(v, secret):
    from hubspot.utils.signature import Signature

    return Signature.is_valid(
        signature=v.sent["x-hubspot-signature-v3"], client_secret=secret, request_body=v.text, signature_version="v3",
        http_uri=v.url, http_method=v.method, timestamp=v.sent["x-hubspot-request-timestamp"],
    )


def square(v, secret):
    from square.utils.webhooks_helper import verify_signature

    return verify_signature(
        request_body=v.text, signature_header=v.sent["x-square-hmacsha256-signature"], signature_key=secret, notification_url=v.url
    )


def adyen(v, secret):
    from Adyen.util import is_valid_hmac_notification, is_valid_hmac_payload

    if "hmacsignature" in v.sent:
        return is_valid_hmac_payload(v.sent["hmacsignature"], secret, v.bytes)
    return all(is_valid_hmac_notification(i["NotificationRequestItem"], secret) for i in json.loads(v.text)["notificationItems"])


def box(v, primary):
    from box_sdk_gen.managers.webhooks import WebhooksManager

    return WebhooksManager.validate_message(v.text, v.sent, primary, secondary_key=v.secrets[1])


def workos(v, secret):
    from workos import WorkOSClient

    client = WorkOSClient(api_key="sk_test", client_id="client_test")
    client.webhooks.verify_header(event_body=v.bytes, event_signature=v.sent["workos-signature"], secret=secret)
    return True


def qstash(v, current):
    from qstash import Receiver

    Receiver(current_signing_key=current, next_signing_key=v.secrets[1]).verify(
        signature=v.sent["upstash-signature"], body=v.text, url=v.url
    )
    return True


def pubsub(v, _):
    from cryptography.hazmat.primitives import serialization
    from google.auth import jwt

    token = v.sent["authorization"].removeprefix("Bearer ")
    key = serialization.load_pem_private_key((Path(__file__).parent / "keys" / "rsa.pem").read_bytes(), None).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(token, certs={"test-RS256": pem}, audience=v.claims["aud"])
    return all(claims[name] == value for name, value in v.claims.items())


def elevenlabs(v, secret):
    from elevenlabs.client import ElevenLabs

    ElevenLabs(api_key="test").webhooks.construct_event(v.text, v.sent["elevenlabs-signature"], secret)
    return True


def mailgun(v, secret):
    from mailgun.security import SecurityGuard

    fields = json.loads(v.text)["signature"]
    return SecurityGuard.verify_webhook(secret, fields["token"], fields["timestamp"], fields["signature"])


CHECKS = {
    "standard-webhooks": ("standardwebhooks", standard),
    "svix": ("svix", svix),
    "openai": ("openai", openai),
    "polar": ("polar-sdk", polar),
    "finch": ("finch-api", finch),
    "slack": ("slack_sdk", slack),
    "stripe": ("stripe", stripe),
    "twilio": ("twilio", twilio),
    "sendgrid": ("sendgrid", sendgrid),
    "discord": ("discord-interactions", discord),
    "telnyx": ("telnyx", telnyx),
    "paddle": ("paddle-python-sdk", paddle),
    "line": ("line-bot-sdk", line),
    "hubspot": ("hubspot-api-client", hubspot),
    "square": ("squareup", square),
    "adyen": ("Adyen", adyen),
    "box": ("boxsdk", box),
    "workos": ("workos", workos),
    "qstash": ("qstash", qstash),
    "google-pubsub": ("google-auth", pubsub),
    "elevenlabs": ("elevenlabs", elevenlabs),
    "mailgun": ("mailgun", mailgun),
}
