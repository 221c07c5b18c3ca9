-- Supabase Vault's schema, by its names, arguments and rights. Written anew for a Postgres that has no cipher: see
-- vault.seal. Runs as superuser, in a schema that is there already.

-- encryption ----------------------------------------------------------------------------------------------------------

-- 32 bytes in a file beside the database's, which no dump and no replica takes along: only the server's superuser reads
-- it, so nobody learns it by SQL.
create function vault.root_key() returns bytea language sql stable security definer set search_path = '' as $$
    select decode(btrim(pg_read_file('vault.key'), e' \n'), 'hex')
$$;

-- What only the key's holder can tell of a nonce, a context and a text. Lengths keep apart what stands side by side.
create function vault.tag(message bytea, additional bytea, nonce bytea) returns bytea
language sql stable set search_path = '' as $$
    select sha256(key || sha256(
        key || int4send(octet_length(nonce)) || nonce || int4send(octet_length(additional)) || additional || message
    ))
    from sha256(vault.root_key() || 'tag'::bytea) as key
$$;

-- A text and a stream of hashes of the key, the tag and a counter, each bit of one turned by that of the other: the same
-- there and back. The tag depends on the whole text, so no two texts share a stream.
create function vault.turned(message bytea, tag bytea) returns bytea
language plpgsql stable set search_path = '' as $$
declare
    key constant bytea := sha256(vault.root_key() || 'stream'::bytea);
    result bytea := message;
    block bytea;
begin
    for place in 0 .. octet_length(message) - 1 loop
        if place % 32 = 0 then
            block := sha256(key || tag || int4send(place / 32));
        end if;
        result := set_byte(result, place, get_byte(message, place) # get_byte(block, place % 32));
    end loop;
    return result;
end
$$;

create function vault._crypto_aead_det_encrypt(
    message bytea, additional bytea, key_id bigint, context bytea default 'pgsodium', nonce bytea default null
) returns bytea language plpgsql stable security definer set search_path = '' as $$
declare
    tag constant bytea := vault.tag(message, additional, coalesce(nonce, ''));
begin
    return tag || vault.turned(message, tag);
end
$$;

create function vault._crypto_aead_det_decrypt(
    message bytea, additional bytea, key_id bigint, context bytea default 'pgsodium', nonce bytea default null
) returns bytea language plpgsql stable security definer set search_path = '' as $$
declare
    tag constant bytea := substr(message, 1, 32);
    text constant bytea := vault.turned(substr(message, 33), tag);
begin
    if octet_length(message) < 32 or tag <> vault.tag(text, additional, coalesce(nonce, '')) then
        raise exception using
            errcode = 'data_exception',
            message = 'a secret of the vault cannot be decrypted',
            hint = 'It was encrypted by another key, or changed since: delete it and create it anew.';
    end if;
    return text;
end
$$;

create function vault._crypto_aead_det_noncegen() returns bytea language sql volatile set search_path = '' as $$
    select uuid_send(gen_random_uuid())
$$;

-- secrets -------------------------------------------------------------------------------------------------------------

create table vault.secrets (
    id uuid not null default gen_random_uuid(),
    name text,
    description text not null default '',
    secret text not null,
    key_id uuid,
    nonce bytea default vault._crypto_aead_det_noncegen(),
    created_at timestamptz not null default current_timestamp,
    updated_at timestamptz not null default current_timestamp,
    constraint secrets_pkey primary key (id)
);
comment on table vault.secrets is 'Secrets, encrypted; vault.decrypted_secrets shows them.';
create unique index secrets_name_idx on vault.secrets (name) where name is not null;
select pg_extension_config_dump('vault.secrets', '');

create view vault.decrypted_secrets as
select
    secrets.id,
    secrets.name,
    secrets.description,
    secrets.secret,
    convert_from(vault._crypto_aead_det_decrypt(
        message => decode(secrets.secret, 'base64'),
        additional => convert_to(secrets.id::text, 'UTF8'),
        key_id => 0,
        nonce => secrets.nonce
    ), 'UTF8') as decrypted_secret,
    secrets.key_id,
    secrets.nonce,
    secrets.created_at,
    secrets.updated_at
from vault.secrets;

create function vault.create_secret(
    new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid language plpgsql security definer set search_path = '' as $$
declare
    made constant uuid := gen_random_uuid();
    once constant bytea := vault._crypto_aead_det_noncegen();
begin
    insert into vault.secrets (id, nonce, name, description, secret)
    values (made, once, new_name, new_description, encode(vault._crypto_aead_det_encrypt(
        message => convert_to(new_secret, 'UTF8'), additional => convert_to(made::text, 'UTF8'), key_id => 0, nonce => once
    ), 'base64'));
    return made;
end
$$;

create function vault.update_secret(
    secret_id uuid,
    new_secret text default null,
    new_name text default null,
    new_description text default null,
    new_key_id uuid default null
) returns void language plpgsql security definer set search_path = '' as $$
begin
    update vault.secrets
    set secret = case when new_secret is null then secrets.secret else encode(vault._crypto_aead_det_encrypt(
            message => convert_to(new_secret, 'UTF8'),
            additional => convert_to(secrets.id::text, 'UTF8'),
            key_id => 0,
            nonce => secrets.nonce
        ), 'base64') end,
        name = coalesce(new_name, secrets.name),
        description = coalesce(new_description, secrets.description),
        updated_at = now()
    where secrets.id = secret_id;
end
$$;

-- rights, as on the platform ------------------------------------------------------------------------------------------

revoke all on all functions in schema vault from public;
grant select, delete on vault.secrets, vault.decrypted_secrets to postgres with grant option;
grant execute on function vault.create_secret, vault.update_secret, vault._crypto_aead_det_decrypt
    to postgres with grant option;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
grant execute on function vault.create_secret, vault.update_secret, vault._crypto_aead_det_decrypt to service_role;
