# One image for every process of the product; docker-compose.yml says which command each runs.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN useradd --system --uid 10001 --home-dir /app tips

# The embedded databases and the development tools stay out: production names its databases by URL.
COPY pyproject.toml requirements.lock docker/runtime-requirements.py ./
RUN python runtime-requirements.py > runtime.txt && pip install -r runtime.txt -c requirements.lock

COPY manage.py ./
COPY config config
COPY ground ground
COPY ledger ledger
COPY tips tips
COPY lovense lovense
COPY adminpanel adminpanel
COPY templates templates
COPY static static
# The build collects static files under the settings of the run: only so are the files there that its pages name. The secrets
# of the run are named at run time; these are nobody's.
ENV DEBUG=false
RUN SECRET_KEY=of-the-build PAYMENT_WEBHOOK_SECRETS=whsec_b2YtdGhlLWJ1aWxkLW9mLXRoZS1idWlsZA== \
    python manage.py collectstatic --noinput --verbosity 0 && python -m compileall -q .

USER tips
EXPOSE 8000
CMD ["python", "-m", "config.server", "--host", "0.0.0.0", "--port", "8000"]
