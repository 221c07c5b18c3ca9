-- Three people to sign in as (password: tripgate-demo) and trips worth looking at. Runs as `postgres` on a fresh database.

-- Accounts: the trigger on auth.users gives each a profile and preferences.
insert into auth.users (
    instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, created_at, updated_at,
    raw_app_meta_data, raw_user_meta_data,
    -- GoTrue reads these as text that is never null.
    confirmation_token, recovery_token, email_change, email_change_token_new
)
select
    '00000000-0000-0000-0000-000000000000', person.id, 'authenticated', 'authenticated', person.email,
    '$2a$10$QIwJ/DGSePof041sgQhWUuSVSNzoaD/psXKFfOYjQiY1S5WYWLFoi', person.joined, person.joined, person.joined,
    '{"provider": "email", "providers": ["email"]}', jsonb_build_object('display_name', person.display_name),
    '', '', '', ''
from (
    values
        ('ada00000-0000-4000-8000-000000000001'::uuid, 'ada@tripgate.example', 'Ada Lindqvist', timestamptz '2025-11-02 18:20Z'),
        ('be400000-0000-4000-8000-000000000002'::uuid, 'ben@tripgate.example', 'Ben Okafor', timestamptz '2026-01-15 07:45Z'),
        ('c1e00000-0000-4000-8000-000000000003'::uuid, 'cleo@tripgate.example', 'Cleo Marchetti', timestamptz '2026-02-03 21:05Z')
) as person (id, email, display_name, joined);

insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
select
    id::text, id, jsonb_build_object('sub', id, 'email', email, 'email_verified', true, 'phone_verified', false),
    'email', created_at, created_at, created_at
from auth.users
where email like '%@tripgate.example';

update public.user_preferences set locale = 'sv', timezone = 'Europe/Stockholm', home_currency = 'SEK'
where user_id = 'ada00000-0000-4000-8000-000000000001';

update public.user_preferences set locale = 'en-US', timezone = 'America/Chicago', home_currency = 'USD', distance_unit = 'mi'
where user_id = 'be400000-0000-4000-8000-000000000002';

update public.user_preferences set locale = 'en-GB', timezone = 'Europe/London', home_currency = 'GBP', push_notifications = true
where user_id = 'c1e00000-0000-4000-8000-000000000003';


-- Ada -----------------------------------------------------------------------------------------------------------------

insert into public.places (id, user_id, name, category, address, city, country_code, latitude, longitude, website)
select id::uuid, 'ada00000-0000-4000-8000-000000000001', name, category, address, city, country_code, latitude, longitude, website
from (
    values
        ('ada00000-0000-4000-8001-000000000001', 'Colosseo', 'attraction', 'Piazza del Colosseo 1', 'Rome', 'IT', 41.890210, 12.492231, 'https://colosseo.it'),
        ('ada00000-0000-4000-8001-000000000002', 'Pantheon', 'attraction', 'Piazza della Rotonda', 'Rome', 'IT', 41.898614, 12.476869, null),
        ('ada00000-0000-4000-8001-000000000003', 'Galleria Borghese', 'museum', 'Piazzale Scipione Borghese 5', 'Rome', 'IT', 41.914214, 12.492222, 'https://galleriaborghese.beniculturali.it'),
        ('ada00000-0000-4000-8001-000000000004', 'Mercato Testaccio', 'restaurant', 'Via Aldo Manuzio 66B', 'Rome', 'IT', 41.876870, 12.474000, null),
        ('ada00000-0000-4000-8001-000000000005', 'Roma Termini', 'transport', 'Piazza dei Cinquecento', 'Rome', 'IT', 41.901003, 12.501790, null),
        ('ada00000-0000-4000-8001-000000000006', 'Sensō-ji', 'attraction', '2-3-1 Asakusa', 'Tokyo', 'JP', 35.714765, 139.796655, 'https://www.senso-ji.jp'),
        ('ada00000-0000-4000-8001-000000000007', 'Tokyo Station', 'transport', '1 Chome Marunouchi', 'Tokyo', 'JP', 35.681236, 139.767125, null),
        ('ada00000-0000-4000-8001-000000000008', 'Fushimi Inari Taisha', 'attraction', '68 Fukakusa Yabunouchicho', 'Kyoto', 'JP', 34.967140, 135.772671, 'https://inari.jp'),
        ('ada00000-0000-4000-8001-000000000009', 'Kinkaku-ji', 'attraction', '1 Kinkakujicho', 'Kyoto', 'JP', 35.039370, 135.729243, null),
        ('ada00000-0000-4000-8001-000000000010', 'Nishiki Market', 'restaurant', 'Nishikikoji-dori', 'Kyoto', 'JP', 35.005020, 135.764730, null),
        ('ada00000-0000-4000-8001-000000000011', 'Tōdai-ji', 'attraction', '406-1 Zōshichō', 'Nara', 'JP', 34.688989, 135.839830, null),
        ('ada00000-0000-4000-8001-000000000012', 'Svolvær', 'other', null, 'Svolvær', 'NO', 68.234300, 14.568300, null),
        ('ada00000-0000-4000-8001-000000000013', 'Haukland Beach', 'beach', null, 'Leknes', 'NO', 68.198900, 13.528400, null),
        ('ada00000-0000-4000-8001-000000000014', 'Reine', 'nature', null, 'Reine', 'NO', 67.932400, 13.088900, null),
        ('ada00000-0000-4000-8001-000000000015', 'Torre de Belém', 'attraction', 'Avenida Brasília', 'Lisbon', 'PT', 38.691584, -9.215977, null)
) as place (id, name, category, address, city, country_code, latitude, longitude, website);

insert into public.trips (id, user_id, title, description, destination, status, start_date, end_date, budget, currency, created_at)
values
    ('ada00000-0000-4000-8002-000000000001', 'ada00000-0000-4000-8000-000000000001', 'A long weekend in Rome', 'Four days on foot, with one museum a day and no more.', 'Rome, Italy', 'completed', '2026-04-10', '2026-04-13', 900.00, 'EUR', '2026-02-01 19:12Z'),
    ('ada00000-0000-4000-8002-000000000002', 'ada00000-0000-4000-8000-000000000001', 'Tokyo and Kyoto under the maples', 'Two cities, one train, and Nara in between.', 'Japan', 'booked', '2027-11-14', '2027-11-24', 480000.00, 'JPY', '2026-06-20 08:30Z'),
    ('ada00000-0000-4000-8002-000000000003', 'ada00000-0000-4000-8000-000000000001', 'Lofoten by car', 'Midnight sun, fishing villages, and time to stop wherever it is beautiful.', 'Lofoten, Norway', 'planning', '2027-06-18', '2027-06-25', 32000.00, 'NOK', '2026-09-05 20:41Z'),
    ('ada00000-0000-4000-8002-000000000004', 'ada00000-0000-4000-8000-000000000001', 'New Year in Lisbon', null, 'Lisbon, Portugal', 'cancelled', '2025-12-29', '2026-01-02', 700.00, 'EUR', '2025-11-03 19:05Z');

insert into public.trip_items (trip_id, place_id, day_number, order_index, kind, title, notes, starts_at, ends_at, cost)
select trip_id::uuid, place_id::uuid, day_number, order_index, kind, title, notes, starts_at::timestamptz, ends_at::timestamptz, cost
from (
    values
        ('ada00000-0000-4000-8002-000000000001', 'ada00000-0000-4000-8001-000000000005', 1, 0, 'transport', 'Train in from Fiumicino', 'Leonardo Express, every 15 minutes.', '2026-04-10 12:08+02', '2026-04-10 12:40+02', 14.00),
        ('ada00000-0000-4000-8002-000000000001', 'ada00000-0000-4000-8001-000000000002', 1, 1, 'activity', 'Pantheon before the crowd leaves', null, '2026-04-10 16:30+02', '2026-04-10 17:15+02', 5.00),
        ('ada00000-0000-4000-8002-000000000001', null, 1, 2, 'lodging', 'Room in Trastevere', 'Three nights, key from the bar downstairs.', '2026-04-10 18:00+02', '2026-04-13 10:00+02', 372.00),
        ('ada00000-0000-4000-8002-000000000001', 'ada00000-0000-4000-8001-000000000001', 2, 0, 'activity', 'Colosseum and Forum', 'Tickets are timed; be there a quarter of an hour early.', '2026-04-11 09:00+02', '2026-04-11 12:30+02', 18.00),
        ('ada00000-0000-4000-8002-000000000001', 'ada00000-0000-4000-8001-000000000004', 2, 1, 'food', 'Lunch at the Testaccio market', null, '2026-04-11 13:00+02', '2026-04-11 14:00+02', 16.50),
        ('ada00000-0000-4000-8002-000000000001', 'ada00000-0000-4000-8001-000000000003', 3, 0, 'activity', 'Bernini at the Galleria Borghese', null, '2026-04-12 11:00+02', '2026-04-12 13:00+02', 15.00),
        ('ada00000-0000-4000-8002-000000000002', 'ada00000-0000-4000-8001-000000000006', 1, 0, 'activity', 'Sensō-ji at dusk', 'The shops of Nakamise close at five.', '2027-11-14 16:00+09', '2027-11-14 17:30+09', 0.00),
        ('ada00000-0000-4000-8002-000000000002', null, 1, 1, 'food', 'Standing sushi in Asakusa', null, '2027-11-14 18:30+09', null, 4200.00),
        ('ada00000-0000-4000-8002-000000000002', 'ada00000-0000-4000-8001-000000000007', 4, 0, 'transport', 'Nozomi to Kyoto', 'Sit on the right for Mount Fuji.', '2027-11-17 09:30+09', '2027-11-17 11:45+09', 14170.00),
        ('ada00000-0000-4000-8002-000000000002', 'ada00000-0000-4000-8001-000000000010', 4, 1, 'food', 'Graze through Nishiki Market', null, '2027-11-17 13:00+09', '2027-11-17 14:30+09', 3500.00),
        ('ada00000-0000-4000-8002-000000000002', 'ada00000-0000-4000-8001-000000000008', 5, 0, 'activity', 'Fushimi Inari before breakfast', 'Up to the crossing at Yotsutsuji, then back.', '2027-11-18 06:00+09', '2027-11-18 08:30+09', 0.00),
        ('ada00000-0000-4000-8002-000000000002', 'ada00000-0000-4000-8001-000000000009', 5, 1, 'activity', 'Kinkaku-ji', null, '2027-11-18 14:00+09', '2027-11-18 15:00+09', 500.00),
        ('ada00000-0000-4000-8002-000000000002', 'ada00000-0000-4000-8001-000000000011', 6, 0, 'activity', 'Nara: the Great Buddha and the deer', null, '2027-11-19 10:00+09', '2027-11-19 13:00+09', 800.00),
        ('ada00000-0000-4000-8002-000000000003', 'ada00000-0000-4000-8001-000000000012', 1, 0, 'transport', 'Pick up the car in Svolvær', null, null, null, 9800.00),
        ('ada00000-0000-4000-8002-000000000003', 'ada00000-0000-4000-8001-000000000013', 2, 0, 'activity', 'Haukland beach, then over the hill to Uttakleiv', null, null, null, null),
        ('ada00000-0000-4000-8002-000000000003', 'ada00000-0000-4000-8001-000000000014', 4, 0, 'activity', 'Climb Reinebringen', '1,978 stone steps. Not in the rain.', null, null, null),
        ('ada00000-0000-4000-8002-000000000003', 'ada00000-0000-4000-8001-000000000014', 4, 1, 'lodging', 'Fisherman''s cabin in Reine', 'Ask for one over the water.', null, null, 5600.00),
        ('ada00000-0000-4000-8002-000000000003', null, 5, 0, 'note', 'Book the Moskenes–Bodø ferry once the summer timetable is out', null, null, null, null),
        ('ada00000-0000-4000-8002-000000000004', 'ada00000-0000-4000-8001-000000000015', 2, 0, 'activity', 'Belém and its custard tarts', null, null, null, 12.00)
) as item (trip_id, place_id, day_number, order_index, kind, title, notes, starts_at, ends_at, cost);


-- Ben -----------------------------------------------------------------------------------------------------------------

insert into public.places (id, user_id, name, category, address, city, country_code, latitude, longitude, website)
select id::uuid, 'be400000-0000-4000-8000-000000000002', name, category, address, city, country_code, latitude, longitude, website
from (
    values
        ('be400000-0000-4000-8001-000000000001', 'Zion National Park', 'nature', '1 Zion Park Boulevard', 'Springdale', 'US', 37.200200, -112.986900, 'https://www.nps.gov/zion'),
        ('be400000-0000-4000-8001-000000000002', 'Sunset Point, Bryce Canyon', 'nature', null, 'Bryce', 'US', 37.622900, -112.166600, 'https://www.nps.gov/brca'),
        ('be400000-0000-4000-8001-000000000003', 'Delicate Arch', 'nature', null, 'Moab', 'US', 38.743610, -109.499260, 'https://www.nps.gov/arch'),
        ('be400000-0000-4000-8001-000000000004', 'Preservation Hall', 'bar', '726 St Peter Street', 'New Orleans', 'US', 29.958300, -90.065400, 'https://www.preservationhall.com'),
        ('be400000-0000-4000-8001-000000000005', 'Café du Monde', 'cafe', '800 Decatur Street', 'New Orleans', 'US', 29.957450, -90.061800, 'https://shop.cafedumonde.com'),
        ('be400000-0000-4000-8001-000000000006', 'The National WWII Museum', 'museum', '945 Magazine Street', 'New Orleans', 'US', 29.943000, -90.070500, 'https://www.nationalww2museum.org'),
        ('be400000-0000-4000-8001-000000000007', 'Museo Nacional de Antropología', 'museum', 'Avenida Paseo de la Reforma', 'Mexico City', 'MX', 19.426000, -99.186300, 'https://mna.inah.gob.mx'),
        ('be400000-0000-4000-8001-000000000008', 'Teotihuacán', 'attraction', null, 'San Juan Teotihuacán', 'MX', 19.692500, -98.843800, null)
) as place (id, name, category, address, city, country_code, latitude, longitude, website);

insert into public.trips (id, user_id, title, description, destination, status, start_date, end_date, budget, currency, created_at)
values
    ('be400000-0000-4000-8002-000000000001', 'be400000-0000-4000-8000-000000000002', 'New Orleans for the music', 'Brass bands, beignets and one rainy afternoon in a museum.', 'New Orleans, Louisiana', 'completed', '2026-02-26', '2026-03-01', 1400.00, 'USD', '2026-01-18 17:00Z'),
    ('be400000-0000-4000-8002-000000000002', 'be400000-0000-4000-8000-000000000002', 'Utah: three parks in eight days', 'Zion, Bryce and Arches, with early starts to beat the heat.', 'Utah, United States', 'booked', '2027-05-08', '2027-05-15', 2800.00, 'USD', '2026-08-11 14:25Z'),
    ('be400000-0000-4000-8002-000000000003', 'be400000-0000-4000-8000-000000000002', 'Mexico City, finally', null, 'Mexico City, Mexico', 'planning', null, null, 45000.00, 'MXN', '2026-10-02 03:10Z');

insert into public.trip_items (trip_id, place_id, day_number, order_index, kind, title, notes, starts_at, ends_at, cost)
select trip_id::uuid, place_id::uuid, day_number, order_index, kind, title, notes, starts_at::timestamptz, ends_at::timestamptz, cost
from (
    values
        ('be400000-0000-4000-8002-000000000001', 'be400000-0000-4000-8001-000000000005', 1, 0, 'food', 'Beignets at Café du Monde', 'Do not wear black.', '2026-02-26 10:00-06', '2026-02-26 10:45-06', 9.75),
        ('be400000-0000-4000-8002-000000000001', 'be400000-0000-4000-8001-000000000004', 1, 1, 'activity', 'Late set at Preservation Hall', null, '2026-02-26 20:30-06', '2026-02-26 21:15-06', 50.00),
        ('be400000-0000-4000-8002-000000000001', 'be400000-0000-4000-8001-000000000006', 2, 0, 'activity', 'The WWII Museum', 'Needs a whole afternoon.', '2026-02-27 12:00-06', '2026-02-27 17:00-06', 36.00),
        ('be400000-0000-4000-8002-000000000001', null, 3, 0, 'activity', 'Walk Frenchmen Street and follow the music', null, null, null, null),
        ('be400000-0000-4000-8002-000000000002', null, 1, 0, 'transport', 'Drive from Las Vegas to Springdale', '2 h 45 min; the clock moves an hour ahead at the state line.', '2027-05-08 09:00-07', '2027-05-08 11:45-07', 0.00),
        ('be400000-0000-4000-8002-000000000002', 'be400000-0000-4000-8001-000000000001', 2, 0, 'activity', 'Angels Landing', 'Permit won in the lottery. Start at first light.', '2027-05-09 06:00-06', '2027-05-09 11:00-06', 9.00),
        ('be400000-0000-4000-8002-000000000002', 'be400000-0000-4000-8001-000000000001', 3, 0, 'activity', 'Wade the Narrows', null, '2027-05-10 08:00-06', '2027-05-10 14:00-06', 55.00),
        ('be400000-0000-4000-8002-000000000002', 'be400000-0000-4000-8001-000000000002', 4, 0, 'activity', 'Navajo Loop from Sunset Point', null, '2027-05-11 16:30-06', '2027-05-11 18:30-06', 35.00),
        ('be400000-0000-4000-8002-000000000002', null, 5, 0, 'lodging', 'Motel in Moab', 'Three nights.', '2027-05-12 16:00-06', '2027-05-15 10:00-06', 486.00),
        ('be400000-0000-4000-8002-000000000002', 'be400000-0000-4000-8001-000000000003', 6, 0, 'activity', 'Sunset at Delicate Arch', 'Headlamp for the way back.', '2027-05-13 18:30-06', '2027-05-13 21:30-06', 30.00),
        ('be400000-0000-4000-8002-000000000003', 'be400000-0000-4000-8001-000000000007', 1, 0, 'activity', 'Anthropology museum', 'Closed on Mondays.', null, null, 100.00),
        ('be400000-0000-4000-8002-000000000003', 'be400000-0000-4000-8001-000000000008', 2, 0, 'activity', 'Teotihuacán', 'Bus from Terminal del Norte.', null, null, 104.00)
) as item (trip_id, place_id, day_number, order_index, kind, title, notes, starts_at, ends_at, cost);


-- Cleo ----------------------------------------------------------------------------------------------------------------

insert into public.places (id, user_id, name, category, address, city, country_code, latitude, longitude, website)
select id::uuid, 'c1e00000-0000-4000-8000-000000000003', name, category, address, city, country_code, latitude, longitude, website
from (
    values
        ('c1e00000-0000-4000-8001-000000000001', 'Edinburgh Castle', 'attraction', 'Castlehill', 'Edinburgh', 'GB', 55.948600, -3.199900, 'https://www.edinburghcastle.scot'),
        ('c1e00000-0000-4000-8001-000000000002', 'Arthur''s Seat', 'nature', 'Holyrood Park', 'Edinburgh', 'GB', 55.944100, -3.161800, null),
        ('c1e00000-0000-4000-8001-000000000003', 'Summerhall', 'attraction', '1 Summerhall', 'Edinburgh', 'GB', 55.939900, -3.182300, 'https://www.summerhallarts.co.uk'),
        ('c1e00000-0000-4000-8001-000000000004', 'Jardin Majorelle', 'attraction', 'Rue Yves Saint Laurent', 'Marrakesh', 'MA', 31.641400, -8.002900, 'https://www.jardinmajorelle.com'),
        ('c1e00000-0000-4000-8001-000000000005', 'Jemaa el-Fnaa', 'attraction', null, 'Marrakesh', 'MA', 31.625800, -7.989200, null),
        ('c1e00000-0000-4000-8001-000000000006', 'Imlil', 'nature', null, 'Imlil', 'MA', 31.135800, -7.919600, null)
) as place (id, name, category, address, city, country_code, latitude, longitude, website);

insert into public.trips (id, user_id, title, description, destination, status, start_date, end_date, budget, currency, created_at)
values
    ('c1e00000-0000-4000-8002-000000000001', 'c1e00000-0000-4000-8000-000000000003', 'Edinburgh in festival week', 'Three shows a day at the most.', 'Edinburgh, Scotland', 'completed', '2026-08-17', '2026-08-21', 650.00, 'GBP', '2026-03-22 11:55Z'),
    ('c1e00000-0000-4000-8002-000000000002', 'c1e00000-0000-4000-8000-000000000003', 'Marrakesh and the High Atlas', 'Gardens and markets first, then boots.', 'Morocco', 'booked', '2027-03-20', '2027-03-27', 11500.00, 'MAD', '2026-09-30 16:48Z');

insert into public.trip_items (trip_id, place_id, day_number, order_index, kind, title, notes, starts_at, ends_at, cost)
select trip_id::uuid, place_id::uuid, day_number, order_index, kind, title, notes, starts_at::timestamptz, ends_at::timestamptz, cost
from (
    values
        ('c1e00000-0000-4000-8002-000000000001', 'c1e00000-0000-4000-8001-000000000002', 1, 0, 'activity', 'Up Arthur''s Seat to see where everything is', null, '2026-08-17 17:00+01', '2026-08-17 19:00+01', 0.00),
        ('c1e00000-0000-4000-8002-000000000001', 'c1e00000-0000-4000-8001-000000000003', 2, 0, 'activity', 'Two plays at Summerhall', null, '2026-08-18 13:30+01', '2026-08-18 17:00+01', 31.00),
        ('c1e00000-0000-4000-8002-000000000001', 'c1e00000-0000-4000-8001-000000000001', 3, 0, 'activity', 'The Castle at opening time', 'Members get in free.', '2026-08-19 09:30+01', '2026-08-19 11:30+01', 0.00),
        ('c1e00000-0000-4000-8002-000000000002', null, 1, 0, 'lodging', 'Riad in the medina', 'Three nights with breakfast.', '2027-03-20 15:00+01', '2027-03-23 11:00+01', 2400.00),
        ('c1e00000-0000-4000-8002-000000000002', 'c1e00000-0000-4000-8001-000000000005', 1, 1, 'food', 'Supper on Jemaa el-Fnaa', 'Follow the smoke.', '2027-03-20 20:00+01', null, 120.00),
        ('c1e00000-0000-4000-8002-000000000002', 'c1e00000-0000-4000-8001-000000000004', 2, 0, 'activity', 'Jardin Majorelle', 'Book the first slot online.', '2027-03-21 08:30+01', '2027-03-21 10:00+01', 170.00),
        ('c1e00000-0000-4000-8002-000000000002', 'c1e00000-0000-4000-8001-000000000006', 4, 0, 'transport', 'Shared taxi to Imlil', null, '2027-03-23 12:00+01', '2027-03-23 13:45+01', 50.00),
        ('c1e00000-0000-4000-8002-000000000002', 'c1e00000-0000-4000-8001-000000000006', 5, 0, 'activity', 'Walk over the Tizi Mzik pass with a guide', null, '2027-03-24 08:00+01', '2027-03-24 16:00+01', 600.00),
        ('c1e00000-0000-4000-8002-000000000002', null, 5, 1, 'note', 'Cash only up here; the last machine is in Asni', null, null, null, null)
) as item (trip_id, place_id, day_number, order_index, kind, title, notes, starts_at, ends_at, cost);


-- Together ------------------------------------------------------------------------------------------------------------

-- Ben plans Japan with Ada, and Cleo looks on; Cleo plans Utah with Ben. All of them vote.
insert into public.collaborators (trip_id, user_id, role, created_at)
values
    ('ada00000-0000-4000-8002-000000000002', 'be400000-0000-4000-8000-000000000002', 'editor', '2026-06-21 12:02Z'),
    ('ada00000-0000-4000-8002-000000000002', 'c1e00000-0000-4000-8000-000000000003', 'viewer', '2026-07-02 18:47Z'),
    ('be400000-0000-4000-8002-000000000002', 'c1e00000-0000-4000-8000-000000000003', 'editor', '2026-08-12 09:30Z');

insert into public.votes (trip_item_id, user_id, value, comment)
select trip_items.id, vote.user_id::uuid, vote.value, vote.comment
from (
    values
        ('Sensō-ji at dusk', 'ada00000-0000-4000-8000-000000000001', 1, null),
        ('Sensō-ji at dusk', 'be400000-0000-4000-8000-000000000002', 1, 'And the street behind it for dinner.'),
        ('Sensō-ji at dusk', 'c1e00000-0000-4000-8000-000000000003', 0, null),
        ('Standing sushi in Asakusa', 'be400000-0000-4000-8000-000000000002', 1, null),
        ('Standing sushi in Asakusa', 'c1e00000-0000-4000-8000-000000000003', -1, 'I would like to sit after that flight.'),
        ('Fushimi Inari before breakfast', 'ada00000-0000-4000-8000-000000000001', 1, 'It is empty until eight.'),
        ('Fushimi Inari before breakfast', 'be400000-0000-4000-8000-000000000002', -1, 'Six in the morning?'),
        ('Angels Landing', 'be400000-0000-4000-8000-000000000002', 1, null),
        ('Angels Landing', 'c1e00000-0000-4000-8000-000000000003', -1, 'I will wait at Scout Lookout.')
) as vote (title, user_id, value, comment)
join public.trip_items on trip_items.title = vote.title;

-- What they wish for in Japan: they agree on temples, and on between 300,000 and 400,000 yen.
insert into public.trip_preferences (trip_id, user_id, budget_min, budget_max, currency, pace, interests, dietary_needs)
values
    (
        'ada00000-0000-4000-8002-000000000002', 'ada00000-0000-4000-8000-000000000001', 300000, 500000, 'JPY', 'balanced',
        '{temples,gardens,ceramics}', '{}'
    ),
    (
        'ada00000-0000-4000-8002-000000000002', 'be400000-0000-4000-8000-000000000002', null, 400000, 'JPY', 'relaxed',
        '{temples,ramen}', '{"no peanuts"}'
    ),
    (
        'ada00000-0000-4000-8002-000000000002', 'c1e00000-0000-4000-8000-000000000003', 1500, null, 'EUR', 'relaxed',
        '{Temples,onsen}', '{vegetarian}'
    );

-- Still open, for Ben: the secret of its link is lofoten-for-ben.
insert into public.invitations (id, trip_id, email, role, token_hash, invited_by)
values (
    'ada00000-0000-4000-8003-000000000001', 'ada00000-0000-4000-8002-000000000003', 'ben@tripgate.example', 'editor',
    encode(sha256('lofoten-for-ben'), 'hex'), 'ada00000-0000-4000-8000-000000000001'
);


-- Kept for oneself ----------------------------------------------------------------------------------------------------

insert into public.saved_places (user_id, place_id, name, category, notes)
values
    ('ada00000-0000-4000-8000-000000000001', null, 'Skogskyrkogården', 'nature', 'Asplund''s chapel, on a clear day in autumn.'),
    ('ada00000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8001-000000000014', 'Reine', 'nature', null),
    ('be400000-0000-4000-8000-000000000002', 'ada00000-0000-4000-8001-000000000010', 'Nishiki Market', 'restaurant', 'Ada knows which stall.'),
    ('c1e00000-0000-4000-8000-000000000003', null, 'Museo del Novecento', 'museum', null);

insert into public.collections (id, user_id, name, description)
values
    ('ada00000-0000-4000-8004-000000000001', 'ada00000-0000-4000-8000-000000000001', 'Quiet before nine', 'Famous places that are empty if one gets up.'),
    ('be400000-0000-4000-8004-000000000001', 'be400000-0000-4000-8000-000000000002', 'Rock and light', null);

insert into public.collection_places (user_id, collection_id, place_id, order_index, notes)
values
    ('ada00000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8004-000000000001', 'ada00000-0000-4000-8001-000000000008', 0, 'By the first train.'),
    ('ada00000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8004-000000000001', 'ada00000-0000-4000-8001-000000000002', 1, null),
    ('be400000-0000-4000-8000-000000000002', 'be400000-0000-4000-8004-000000000001', 'be400000-0000-4000-8001-000000000003', 0, 'At sunset.'),
    ('be400000-0000-4000-8000-000000000002', 'be400000-0000-4000-8004-000000000001', 'be400000-0000-4000-8001-000000000002', 1, null);

insert into public.tags (id, user_id, name, colour)
values
    ('ada00000-0000-4000-8005-000000000001', 'ada00000-0000-4000-8000-000000000001', 'with children', '#16a34a'),
    ('ada00000-0000-4000-8005-000000000002', 'ada00000-0000-4000-8000-000000000001', 'book ahead', '#dc2626'),
    ('be400000-0000-4000-8005-000000000001', 'be400000-0000-4000-8000-000000000002', 'worth a detour', '#d97706');

insert into public.place_tags (user_id, place_id, tag_id)
values
    ('ada00000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8001-000000000003', 'ada00000-0000-4000-8005-000000000002'),
    ('ada00000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8001-000000000001', 'ada00000-0000-4000-8005-000000000002'),
    ('ada00000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8001-000000000011', 'ada00000-0000-4000-8005-000000000001'),
    ('be400000-0000-4000-8000-000000000002', 'be400000-0000-4000-8001-000000000004', 'be400000-0000-4000-8005-000000000001');

-- Labels and the details of bookings ----------------------------------------------------------------------------------

update public.trips set labels = '{food,temples}' where id = 'ada00000-0000-4000-8002-000000000002';
update public.trips set labels = '{food}' where id = 'ada00000-0000-4000-8002-000000000001';
update public.trip_items set details = '{"booking": {"reference": "N700-1", "seat": "12A"}}'
where trip_id = 'ada00000-0000-4000-8002-000000000002' and title = 'Nozomi to Kyoto';
